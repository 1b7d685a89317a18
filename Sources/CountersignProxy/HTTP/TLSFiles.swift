import NIOSSL

/// Looks whether configured TLS files can be used, before anything depends on them.
package enum TLSFiles {
    /// What is wrong with a file.
    package struct Problem: Error, Hashable, Sendable {
        /// Whether it is the private key; otherwise the certificates.
        package let isKey: Bool
        /// What is wrong and how to mend it.
        package let message: String
    }

    /// Checks a listener's certificate chain and private key, and that they belong together.
    package static func check(certificate: String, key: String) throws(Problem) {
        try checkCertificates(certificate)
        do {
            _ = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw Problem(isKey: true, message: "\(key) is not a readable private key in PEM; name another file")
        }
        do {
            _ = try HTTPGateway.tlsContext((certificate, key))
        } catch {
            throw Problem(isKey: true, message: "\(key) is not the key of the certificate in \(certificate)")
        }
    }

    /// Checks a file of trust roots.
    package static func checkCertificates(_ path: String) throws(Problem) {
        let certificates = (try? NIOSSLCertificate.fromPEMFile(path)) ?? []
        guard !certificates.isEmpty else {
            throw Problem(isKey: false, message: "\(path) has no readable certificate in PEM; name another file")
        }
    }
}
