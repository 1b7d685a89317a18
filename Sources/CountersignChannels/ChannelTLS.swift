import NIOSSL

/// TLS of channels: certificates are checked in full, for the name that the configuration has.
enum ChannelTLS {
    /// What trusts the system's authorities, and beside them those of a file.
    static func context(authorities: String?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities { configuration.additionalTrustRoots = [.file(authorities)] }
        return try NIOSSLContext(configuration: configuration)
    }
}
