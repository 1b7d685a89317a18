import CountersignCards
import Testing

@Suite("Where deliveries may go", .timeLimit(.minutes(10)))
struct DeliveryGuardTests {
    @Test("ports of other protocols are refused, those of web servers are not")
    func ports() {
        for port in [0, 22, 25, 53, 2375, 5432, 6379, 11_211] { #expect(DeliveryGuard.refuses(port: port)) }
        for port in [80, 443, 3000, 8080, 8443, 65_535] { #expect(!DeliveryGuard.refuses(port: port)) }
    }

    @Test(
        "an address has the class that the registries give it",
        arguments: [
            ("93.184.215.14", .global), ("1.1.1.1", .global), ("172.15.255.255", .global), ("172.32.0.0", .global),
            ("100.63.255.255", .global), ("100.128.0.0", .global), ("192.0.1.0", .global), ("223.255.255.255", .global),
            ("0.0.0.0", .unspecified), ("0.1.2.3", .unspecified), ("127.0.0.1", .loopback),
            ("127.255.255.255", .loopback),
            ("10.0.0.1", .private), ("172.16.0.1", .private), ("172.31.255.255", .private), ("192.168.1.1", .private),
            ("169.254.1.1", .linkLocal), ("100.64.0.1", .carrierGrade), ("100.127.255.255", .carrierGrade),
            ("169.254.169.254", .metadata), ("169.254.170.2", .metadata), ("100.100.100.200", .metadata),
            ("168.63.129.16", .metadata), ("192.0.0.192", .metadata), ("192.0.2.1", .documentation),
            ("198.51.100.1", .documentation), ("203.0.113.1", .documentation), ("198.18.0.1", .benchmarking),
            ("198.19.255.255", .benchmarking), ("224.0.0.1", .multicast), ("239.255.255.255", .multicast),
            ("240.0.0.1", .reserved), ("255.255.255.255", .reserved), ("192.0.0.1", .reserved),
            ("192.88.99.1", .reserved),
            ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", .global), ("2a00:1450:4001:80b::200e", .global),
            ("::", .unspecified), ("::1", .loopback), ("fc00::1", .private), ("fdff:ffff::1", .private),
            ("fe80::1", .linkLocal), ("febf::1", .linkLocal), ("fec0::1", .private), ("ff02::1", .multicast),
            ("2001:db8::1", .documentation), ("3fff::1", .documentation), ("2001:2::1", .benchmarking),
            ("100::1", .reserved), ("2001:10::1", .reserved), ("4000::1", .reserved), ("5f00::1", .reserved),
            ("fd00:ec2::254", .metadata), ("fd20:ce::254", .metadata),
            ("::ffff:127.0.0.1", .loopback), ("::ffff:7f00:1", .loopback), ("::ffff:169.254.169.254", .metadata),
            ("::ffff:1.1.1.1", .global), ("::127.0.0.1", .loopback), ("::1.1.1.1", .tunnel),
            ("::ffff:0:10.0.0.1", .private),
            ("64:ff9b::10.0.0.1", .private), ("64:ff9b::a9fe:a9fe", .metadata), ("64:ff9b::1.1.1.1", .global),
            ("64:ff9b:1::1.1.1.1", .private), ("2002:7f00:1::1", .loopback), ("2002:a9fe:a9fe::", .metadata),
            ("2002:101:101::1", .tunnel), ("2001:0:101:101::80ff:fffe", .loopback),
            ("2001:0:a00:1::fefe:fefe", .private),
            ("2001:0:101:101::fefe:fefe", .tunnel), ("2606:4700::5efe:a00:1", .private),
            ("2606:4700::200:5efe:1.1.1.1", .tunnel),
        ] as [(String, AddressClass)],
    )
    func classes(text: String, expected: AddressClass) throws {
        let address = try #require(NetworkAddress(text))
        #expect(address.addressClass == expected)
        #expect(DeliveryGuard().permits(address) == (expected == .global))
    }

    @Test(
        "spellings that readers take differently are no addresses",
        arguments: [
            "", "1", "127.1", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "2130706433", "1.2.3.256", "1.2.3.4.5",
            " 1.2.3.4",
            "1.2.3.4 ", "1.2.3.+4", "::1%eth0", "[::1]", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7::8:9", "12345::", "g::", "::1.2.3", "1.2.3.4::", "::ffff:127.0.0.01", ":1::", "1::1:",
            "::+1",
            "１.1.1.1", "localhost",
        ],
    )
    func malformed(text: String) { #expect(NetworkAddress(text) == nil) }

    @Test("addresses are taken from a resolver's bytes")
    func bytes() {
        #expect(NetworkAddress(bytes: [127, 0, 0, 1] as [UInt8]) == NetworkAddress("127.0.0.1"))
        #expect(NetworkAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]) == NetworkAddress("::1"))
        #expect(NetworkAddress(bytes: [1, 2, 3] as [UInt8]) == nil)
        #expect(NetworkAddress("::1").map { "\($0)" } == "0:0:0:0:0:0:0:1")
    }

    @Test("a range is allowed explicitly, and only that")
    func allowed() throws {
        let guarded = try DeliveryGuard(allowed: [AddressRange("10.20.0.0/16"), AddressRange("fd12:3456::/32")])
        func permits(_ text: String) throws -> Bool { guarded.permits(try #require(NetworkAddress(text))) }
        #expect(try permits("10.20.255.1"))
        #expect(try permits("::ffff:10.20.0.1"))
        #expect(try permits("fd12:3456:1::1"))
        #expect(try !permits("10.21.0.1"))
        #expect(try !permits("64:ff9b::10.20.0.1"))
        #expect(try !permits("fd12:3457::1"))
        #expect(try !permits("127.0.0.1"))
    }

    @Test("no range allows credentials of a cloud, and nothing allows multicast")
    func never() throws {
        let all = try DeliveryGuard(allowed: [AddressRange("0.0.0.0/0"), AddressRange("::/0")])
        #expect(all.permits(try #require(NetworkAddress("127.0.0.1"))))
        for text in [
            "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
        ] {
            #expect(!all.permits(try #require(NetworkAddress(text))))
        }
        let single = try DeliveryGuard(allowed: [AddressRange("169.254.169.254")])
        #expect(single.permits(try #require(NetworkAddress("169.254.169.254"))))
    }

    @Test(
        "a range that is not clear is refused",
        arguments: [
            "", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08x", "10.0.0.1/8", "::1/0", "10/8", "::/129",
            "::ffff:10.0.0.0/104", "10.0.0.0/8/8",
        ],
    )
    func ranges(text: String) {
        let fault = #expect(throws: ChannelFault.self) { try AddressRange(text) }
        #expect(fault?.code == .addressMalformed)
    }

    @Test("one bad address among a name's refuses the name, and says which")
    func pinned() throws {
        let good = try #require(NetworkAddress("1.1.1.1"))
        let bad = try #require(NetworkAddress("10.0.0.1"))
        #expect(try DeliveryGuard().pinned([good]) == [good])
        let fault = #expect(throws: ChannelFault.self) { try DeliveryGuard().pinned([good, bad]) }
        #expect(fault?.code == .addressRefused)
        #expect(fault?.message.contains("10.0.0.1, which is not public (private)") == true)
        #expect(throws: ChannelFault.self) { try DeliveryGuard().pinned([]) }
    }
}
