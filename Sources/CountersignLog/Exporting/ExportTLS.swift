import NIOCore
import NIOPosix
import NIOSSL

/// How exports speak TLS.
enum ExportTLS {
    /// Verifies the receiver's certificate, by the authorities named or by the system's.
    static func configuration(trustRoots: String?) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let trustRoots { configuration.additionalTrustRoots = [.file(trustRoots)] }
        return configuration
    }

    /// An error of the connection in words.
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "the name \(error.host) is not known"
        case let error as IOError: "the connection failed (errno \(error.errnoCode))"
        case NIOSSLError.handshakeFailed(let reason): "the TLS handshake failed, look at its certificate: \(reason)"
        case is NIOSSLError, is NIOSSLExtraError: "TLS failed, look at its certificate: \(error)"
        case ChannelError.connectTimeout: "connecting took too long"
        default: "\(error)"
        }
    }
}
