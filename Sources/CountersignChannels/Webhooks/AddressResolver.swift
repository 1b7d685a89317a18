package import CountersignCards
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds the addresses of a host.
package protocol AddressResolver: Sendable {
    /// All addresses of a name, or the one that a text is; in whatever spelling the system reads. Empty if it has none.
    func addresses(of host: String) async -> [NetworkAddress]
}

/// The operating system's resolver, on threads of its own: it blocks, and what files wait for must not wait for names.
package final class SystemResolver: AddressResolver {
    private let threads = NIOThreadPool(numberOfThreads: 2)

    /// Asks the operating system.
    package init() {}

    deinit { threads.shutdownGracefully { _ in } }

    /// All addresses, in the order that the system prefers.
    package func addresses(of host: String) async -> [NetworkAddress] {
        threads.start()
        return (try? await threads.runIfActive { Self.look(host) }) ?? []
    }

    private static func look(_ host: String) -> [NetworkAddress] {
        var hints = unsafe addrinfo()
        #if canImport(Glibc)
            unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            unsafe hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0, let first = unsafe list else { return [] }
        defer { unsafe freeaddrinfo(first) }
        var found = [NetworkAddress]()
        var next = unsafe Optional(first)
        while let info = unsafe next {
            if let address = unsafe address(info.pointee), !found.contains(address) { found.append(address) }
            unsafe next = info.pointee.ai_next
        }
        return found
    }

    /// The address within a `sockaddr_in`, behind family and port, or a `sockaddr_in6`, behind these and the flow.
    private static func address(_ info: addrinfo) -> NetworkAddress? {
        let bytes = unsafe UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
        switch unsafe info.ai_family {
        case AF_INET where bytes.count >= 8: return unsafe NetworkAddress(bytes: bytes[4..<8])
        case AF_INET6 where bytes.count >= 24: return unsafe NetworkAddress(bytes: bytes[8..<24])
        default: return nil
        }
    }
}
