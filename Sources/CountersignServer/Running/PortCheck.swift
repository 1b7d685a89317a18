#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Asks the operating system for an address before anything starts, so that the message can name the setting.
enum PortCheck {
    /// Refuses an address that cannot be listened on, with the key to change.
    static func check(_ address: Configuration.Address, key: String) throws(StartupError) {
        guard address.port != 0 else { return }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        #if canImport(Glibc)
            unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            unsafe hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(address.host, String(address.port), &hints, &list)
        guard status == 0, let info = unsafe list else {
            let cause = unsafe String(cString: gai_strerror(status))
            throw StartupError("cannot listen on \(address) (\(key)): \(cause); correct the host in \(key)")
        }
        defer { unsafe freeaddrinfo(info) }
        let descriptor = unsafe socket(info.pointee.ai_family, info.pointee.ai_socktype, info.pointee.ai_protocol)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var yes: CInt = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        guard unsafe bind(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) != 0 else {
            // Some systems notice only here that somebody else listens.
            guard listen(descriptor, 1) != 0 else { return }
            throw failure(address, key)
        }
        throw failure(address, key)
    }

    private static func failure(_ address: Configuration.Address, _ key: String) -> StartupError {
        switch errno {
        case EADDRINUSE:
            return StartupError(
                "the address \(address) is in use; stop the process that has it, or set \(key) to another port"
            )
        case EACCES:
            return StartupError("this user may not listen on \(address); set \(key) to a port above 1023")
        case EADDRNOTAVAIL:
            return StartupError("this machine does not have the address \(address); correct the host in \(key)")
        case let code:
            return StartupError("cannot listen on \(address) (\(key)): \(unsafe String(cString: strerror(code)))")
        }
    }
}
