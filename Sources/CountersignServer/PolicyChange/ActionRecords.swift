package import CanonicalJSON
package import CountersignCore
import CountersignIdentity
import CountersignStore

/// Where recorded actions are read from: a data folder's ledger, or a file with one JSON object a line.
package struct ActionRecords {
    /// Which of them are wanted.
    package struct Filter: Sendable {
        /// Only this agent's.
        package var agent: AgentID?
        /// Not before this moment.
        package var from: Timestamp?
        /// Before this moment.
        package var to: Timestamp?

        /// Wants all, or some.
        package init(agent: AgentID? = nil, from: Timestamp? = nil, to: Timestamp? = nil) {
            self.agent = agent
            self.from = from
            self.to = to
        }
    }

    private enum Source {
        case ledger(LedgerExcerpt)
        case lines(path: String, [UInt8])
    }

    private let source: Source

    /// Opens a data folder, a ledger's file, or a file of lines; `-` is standard input.
    ///
    /// A ledger's payloads are opened with the configuration's keys, or with the key in the folder that it lies in.
    package init(path: String, configuration: Configuration) throws {
        let ledger = LocalFile.isFolder(path) ? Countersign.ledgerPath(path) : path
        if LocalFile.isFolder(path), !LocalFile.exists(ledger) {
            throw StartupError("\(path) is no data folder: there is no ledger.db in it")
        }
        if try Self.isDatabase(ledger) {
            var configuration = configuration
            configuration.data =
                LocalFile.isFolder(path) ? path : FilePath.folder(of: path.contains("/") ? path : "./" + path)
            source = .ledger(try LedgerExcerpt(path: ledger, sealer: try configuration.sealer(makesMissing: false)))
            return
        }
        switch LocalFile.read(path == "-" ? "/dev/stdin" : path) {
        case .failure(let problem): throw StartupError("cannot read \(path): \(problem.message)")
        case .success(let bytes): source = .lines(path: path, bytes)
        }
    }

    /// Everybody whom the configuration declares, and whom the ledger knows if it is one.
    package func directory(_ configuration: Configuration) throws -> Directory {
        switch source {
        case .lines: return try configuration.declaredDirectory()
        case .ledger(let excerpt):
            let book = IdentityBook(declared: configuration.identities, records: try excerpt.identities())
            return try book.directory(connections: configuration.described)
        }
    }

    /// Visits every recorded action, oldest first; what cannot be judged again comes as the reason.
    package func each(
        _ filter: Filter,
        now: Timestamp,
        _ visit: (Result<RecordedAction, RecordedAction.Gap>) -> Void,
    ) throws {
        switch source {
        case .ledger(let excerpt):
            try excerpt.each(kinds: RecordedAction.kinds, agent: filter.agent, from: filter.from, to: filter.to) {
                entry in
                visit(Result { () throws(RecordedAction.Gap) in try RecordedAction(entry) })
            }
        case .lines(let path, let bytes):
            for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .enumerated()
            where line.contains(where: { $0 > 0x20 }) {
                guard let record = try Self.record(Array(line), "\(path):\(index + 1)", now: now) else { continue }
                if case .success(let action) = record, !filter.wants(action) { continue }
                visit(record)
            }
        }
    }

    /// Visits every recorded action of a ledger as a line for ``each(_:now:_:)``: its entry, and its document if kept.
    package func export(_ filter: Filter, _ visit: (JSONValue) throws -> Void) throws {
        guard case .ledger(let excerpt) = source else { throw StartupError("only a ledger can be exported") }
        try excerpt.each(kinds: RecordedAction.kinds, agent: filter.agent, from: filter.from, to: filter.to) { entry in
            var line = JSONObject([("entry", try Self.parse(entry.bytes))])
            if let payload = entry.payload { line["document"] = try Self.parse(payload.bytes) }
            try visit(.object(line))
        }
    }

    /// What a line says; `nil` for an entry that is about no judged action.
    private static func record(
        _ line: [UInt8],
        _ place: String,
        now: Timestamp,
    ) throws -> Result<RecordedAction, RecordedAction.Gap>? {
        let json: JSONValue
        do {
            json = try parse(line)
        } catch {
            throw StartupError("\(place): is not JSON: \(error)")
        }
        let entry: JSONValue?
        let document: JSONValue?
        if json["subject"] != nil {
            (entry, document) = (nil, json)
        } else if json["entry"] != nil || json["document"] != nil {
            (entry, document) = (json["entry"] ?? json, json["document"])
        } else if json["kind"] != nil {
            (entry, document) = (json, nil)
        } else {
            throw StartupError(
                "\(place): is neither an action document nor an entry; `countersign log export` writes what is needed"
            )
        }
        if let document {
            return Result { () throws(RecordedAction.Gap) in
                try RecordedAction(document: document, entry: entry, now: now)
            }
        }
        guard let kind = entry?["kind"]?.stringValue.flatMap({ EntryKind(rawValue: $0) }),
            RecordedAction.kinds.contains(kind)
        else { return nil }
        return .failure(entry?["payload"] == nil && kind == .actionDenied ? .noAction : .noDocument)
    }

    private static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        try JSONParser.parse(bytes, limits: JSONLimits(maxBytes: 64 << 20, allowsNoncharacters: true))
    }

    private static func isDatabase(_ path: String) throws -> Bool {
        guard path != "-" else { return false }
        switch LocalFile.read(path, upTo: 16) {
        case .failure(let problem): throw StartupError("cannot read \(path): \(problem.message)")
        case .success(let bytes): return bytes.elementsEqual(Array("SQLite format 3\0".utf8))
        }
    }
}

extension ActionRecords.Filter {
    fileprivate func wants(_ recorded: RecordedAction) -> Bool {
        (agent == nil || agent == recorded.action.agent) && (from.map { $0 <= recorded.time } ?? true)
            && (to.map { recorded.time < $0 } ?? true)
    }
}
