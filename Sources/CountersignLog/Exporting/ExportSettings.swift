package import CountersignCore

/// One export of the log, as the configuration says it.
package struct ExportSettings: Hashable, Sendable {
    /// Where entries go.
    package enum Destination: Hashable, Sendable {
        /// Appended to a file.
        case file(String)
        /// Written to standard output.
        case standardOutput
        /// Posted in batches to an `https` address, or to an `http` one of this machine.
        case http(String)
        /// Sent as RFC 5424 messages over TLS (RFC 5425).
        case syslog(host: String, port: Int)
    }

    /// What an entry becomes.
    package enum Format: String, Hashable, Sendable, CaseIterable {
        /// Its canonical JSON: the Merkle tree's leaf.
        case ndjson
        /// An event of the Open Cybersecurity Schema Framework.
        case ocsf
    }

    /// How entries stand in the body of a request.
    package enum Framing: String, Hashable, Sendable, CaseIterable {
        /// One a line.
        case ndjson
        /// As the elements of one array.
        case array
    }

    /// Where an export begins that the ledger has no cursor for.
    package enum Start: String, Hashable, Sendable, CaseIterable {
        /// With the log's first entry.
        case beginning
        /// With the entry that is committed next.
        case now
    }

    /// A header field that every request carries.
    package struct Header: Hashable, Sendable {
        /// The field's name.
        package let name: String
        /// Its value, a secret.
        package let value: String

        /// Joins name and value.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The name, which the ledger keeps the cursor under.
    package var name: String
    /// Where entries go.
    package var destination: Destination
    /// What an entry becomes.
    package var format: Format
    /// How entries stand in the body of a request.
    package var framing: Framing
    /// Header fields of every request.
    package var headers: [Header]
    /// Only these kinds; `nil` for all, also those of a later version.
    package var kinds: Set<EntryKind>?
    /// Where it begins.
    package var start: Start
    /// The most entries at once.
    package var batch: Int
    /// How long a batch may take before it is tried again.
    package var timeout: Duration
    /// A PEM file of the authorities that vouch for the receiver; the system's where there is none.
    package var trustRoots: String?
    /// The private enterprise number in the name of RFC 5424's structured data.
    package var enterprise: Int

    /// Says where to, and takes the rest as it is where nothing is said.
    package init(
        name: String,
        destination: Destination,
        format: Format = .ndjson,
        framing: Framing = .ndjson,
        headers: [Header] = [],
        kinds: Set<EntryKind>? = nil,
        start: Start = .beginning,
        batch: Int = 500,
        timeout: Duration = .seconds(30),
        trustRoots: String? = nil,
        enterprise: Int = 32_473,
    ) {
        self.name = name
        self.destination = destination
        self.format = format
        self.framing = framing
        self.headers = headers
        self.kinds = kinds
        self.start = start
        self.batch = batch
        self.timeout = timeout
        self.trustRoots = trustRoots
        self.enterprise = enterprise
    }

    /// The cursor's name in the ledger.
    package var cursor: String { "export:" + name }
}

extension ExportSettings.Destination: CustomStringConvertible {
    /// As the configuration has it.
    package var description: String {
        switch self {
        case .file(let path): "file:" + path
        case .standardOutput: "stdout:"
        case .http(let url): url
        case .syslog(let host, let port):
            "syslog+tls://" + (host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host) + ":\(port)"
        }
    }
}
