/// Where a secret is: the configuration never holds one itself (DESIGN 9).
enum SecretReference: Hashable, Sendable {
    /// An environment variable.
    case environment(String)
    /// A file, of which trailing line breaks do not count.
    case file(String)

    /// Reads `env:NAME` or `file:PATH`; `nil` for anything else.
    init?(_ text: String) {
        let bytes = text.utf8
        func rest(_ prefix: String) -> String? {
            guard bytes.starts(with: prefix.utf8), bytes.count > prefix.utf8.count else { return nil }
            return String(Substring(bytes.dropFirst(prefix.utf8.count)))
        }
        if let name = rest("env:") {
            self = .environment(name)
        } else if let path = rest("file:") {
            self = .file(path)
        } else {
            return nil
        }
    }

    /// The secret, or what is wrong with the reference; the text of neither the file nor the variable is repeated.
    func resolve(_ world: ConfigurationWorld, relativeTo folder: String) -> Result<String, SecretProblem> {
        switch self {
        case .environment(let name):
            guard let value = world.environment(name), !value.isEmpty else {
                return .failure(
                    SecretProblem("the environment variable \(name) is not set; export it, or use file:PATH")
                )
            }
            return .success(value)
        case .file(let path):
            let place = FilePath.resolve(path, relativeTo: folder)
            switch world.read(place) {
            case .failure(let problem): return .failure(SecretProblem("cannot read \(place): \(problem.message)"))
            case .success(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    return .failure(SecretProblem("\(place) is not text"))
                }
                let kept = text.utf8.reversed().drop { $0 == 10 || $0 == 13 }.reversed()
                let value = String(decoding: Array(kept), as: UTF8.self)
                return value.isEmpty ? .failure(SecretProblem("\(place) is empty")) : .success(value)
            }
        }
    }
}

/// What is wrong with a secret.
struct SecretProblem: Error, Hashable {
    let message: String

    init(_ message: String) { self.message = message }
}

/// What reading a configuration may ask of the machine.
package struct ConfigurationWorld: Sendable {
    /// What is wrong with a file.
    package struct ReadProblem: Error, Hashable, Sendable {
        /// The operating system's words.
        package let message: String

        /// Describes a problem.
        package init(message: String) { self.message = message }
    }

    /// The value of an environment variable.
    package let environment: @Sendable (String) -> String?
    /// The bytes of a file.
    package let read: @Sendable (String) -> Result<[UInt8], ReadProblem>

    /// Whether TLS files are looked into; a test's machine may have none.
    package let checksTLS: Bool
    /// Whether what it says of secrets is true; a reviewer's machine has none.
    package let hasSecrets: Bool

    /// Lends a machine, or a test's idea of one.
    package init(
        environment: @escaping @Sendable (String) -> String?,
        read: @escaping @Sendable (String) -> Result<[UInt8], ReadProblem>,
        checksTLS: Bool = true,
        hasSecrets: Bool = true,
    ) {
        self.hasSecrets = hasSecrets
        self.environment = environment
        self.read = read
        self.checksTLS = checksTLS
    }
}
