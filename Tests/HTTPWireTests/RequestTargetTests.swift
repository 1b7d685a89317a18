import HTTPWire
import Testing

@Suite("Targets", .timeLimit(.minutes(10)))
struct RequestTargetTests {
    @Test(
        "a target is read into path, query and decoded segments",
        arguments: [
            ("/", "/", nil, [""]),
            ("/?", "/", "", [""]),
            ("/a", "/a", nil, ["a"]),
            ("/a/", "/a/", nil, ["a", ""]),
            ("/a/b?c=d?e/../f//g;h", "/a/b", "c=d?e/../f//g;h", ["a", "b"]),
            ("/caf%C3%A9/%7e~%20", "/caf%C3%A9/%7e~%20", nil, ["café", "~~ "]),
            ("/100%25/50%25off", "/100%25/50%25off", nil, ["100%", "50%off"]),
            ("/.../..a/a../.a", "/.../..a/a../.a", nil, ["...", "..a", "a..", ".a"]),
            ("/v1/run:x/a@b,c=d!$&'()*+-_", "/v1/run:x/a@b,c=d!$&'()*+-_", nil, ["v1", "run:x", "a@b,c=d!$&'()*+-_"]),
            ("/a?x=%0D%0A[]{}|", "/a", "x=%0D%0A[]{}|", ["a"]),
        ] as [(String, String, String?, [String])]
    )
    func accepted(raw: String, path: String, query: String?, segments: [String]) throws {
        let target = try RequestTarget(parsing: raw)
        #expect(target.raw == raw && target.description == raw)
        #expect(target.path == path)
        #expect(target.query == query)
        #expect(target.segments == segments)
    }

    @Test(
        "a target that two servers may resolve differently is refused",
        arguments: [
            "", "*", "a", "http://a/", "//a/b", "a:443", "?a", "#",
            "/a//b", "/a//", "//", "/a#b", "/a?b#c", "/#",
            "/.", "/..", "/./a", "/../a", "/a/.", "/a/..", "/a/./b", "/a/../b", "/a/..?x",
            "/%2e", "/%2E", "/%2e%2e/a", "/.%2e/a", "/%2E./a", "/a/%2e%2E", "/a/%2e/b",
            "/%252e", "/%252e%252e/a", "/%25%32%65", "/a%252fb", "/a%2541", "/%25252e",
            "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a\\b", "/\\", "/a?\\",
            "/a%00", "/a%01", "/a%0a", "/a%0D", "/a%1f", "/a%1F", "/a%7f", "/a%7F", "/a%C2%80", "/a%c2%9f", "/a?b=%00",
            "/a\u{0}", "/a\t", "/a b", "/a\n", "/a\r\n", "/a\u{7F}", "/a?b c", "/a?\u{1}", "/a?\u{7F}",
            "/é", "/a?é", "/a%", "/a%2", "/a%2/b", "/a%zz", "/a%2g", "/a?%", "/a?%4", "/a?%xy", "/a?%u0041", "/%u002e",
            "/..;/a", "/..;x=y/a", "/.;/a", "/;/a", "/admin;x/y", "/a/..%3b/", "/a%3Bb", "/%2e%2e;/a",
            "/%ff", "/%c0%ae%c0%ae/a", "/%e0%80%af", "/%ed%a0%80", "/a%C3",
            "/a\"b", "/a<b", "/a>b", "/a^b", "/a`b", "/a{b", "/a|b", "/a}b", "/a[b", "/a]b",
        ]
    )
    func refused(raw: String) {
        #expect { try RequestTarget(parsing: raw) } throws: { ($0 as? WireError)?.code == .badTarget }
    }

    @Test(
        "dropping the first segment leaves the rest exact",
        arguments: [
            ("/orders-api/v1/x?y", "orders-api", "/v1/x?y", ["v1", "x"]),
            ("/a", "a", "/", [""]),
            ("/a?x=/y", "a", "/?x=/y", [""]),
            ("/a/", "a", "/", [""]),
            ("/", "", "/", [""]),
            ("/%61b/c%20d/", "ab", "/c%20d/", ["c d", ""]),
        ]
    )
    func dropping(raw: String, segment: String, rest: String, segments: [String]) throws {
        let dropped = try RequestTarget(parsing: raw).droppingFirstSegment()
        #expect(dropped.segment == segment)
        #expect(dropped.rest.raw == rest)
        #expect(dropped.rest.segments == segments)
        let again = try RequestTarget(parsing: rest)
        #expect(dropped.rest == again)
        #expect(dropped.rest.hashValue == again.hashValue)
        #expect(dropped.rest.path == again.path && dropped.rest.query == again.query)
    }

    @Test(
        "a template matches the segments it describes",
        arguments: [
            ("/", "/", true), ("/", "/a", false),
            ("/v1/orders", "/v1/orders", true), ("/v1/orders", "/v1/orders/", false),
            ("/v1/orders", "/v1/Orders", false),
            ("/v1/orders/", "/v1/orders/", true),
            ("/v1/orders/{id}", "/v1/orders/42", true), ("/v1/orders/{id}", "/v1/orders/", false),
            ("/v1/orders/{id}", "/v1/orders/42/x", false), ("/v1/orders/{id}", "/v1/orders", false),
            ("/v1/{a}/x/{b}", "/v1/1/x/2", true), ("/v1/{a}/x/{b}", "/v1/1/y/2", false),
            ("/v1/orders/{id}/*", "/v1/orders/42/a/b", true), ("/v1/orders/{id}/*", "/v1/orders/42", false),
            ("/v1/*", "/v1/", true), ("/v1/*", "/v1", false), ("/*", "/", true), ("/*", "/a/b/c", true),
            ("/{rest...}", "/a/b", true), ("/a/{rest...}", "/b/c", false),
            ("/caf\u{E9}", "/caf%C3%A9", true), ("/cafe\u{301}", "/caf%C3%A9", false),
        ]
    )
    func template(text: String, target: String, matches: Bool) throws {
        let template = try #require(PathTemplate(text))
        #expect(template.matches(try RequestTarget(parsing: target)) == matches)
        #expect(template.text == text && template.description == text)
    }

    @Test(
        "a malformed template is none",
        arguments: [
            "", "a", "//", "/a//b", "/*/a", "/{a...}/b", "/{a", "/a}", "/{}", "/{...}", "/{a}/{a}", "/a*", "/.",
            "/../a",
            "/{a}b", "/a{b}", "/a;b", "/a\\b", "/a\u{1}", "/{a b}", "/{a}/{a...}",
        ]
    )
    func malformed(text: String) {
        #expect(PathTemplate(text) == nil)
    }

    @Test("the more specific template comes first")
    func specificity() {
        let sorted = ["/a/b", "/a/b/*", "/a/{x}/c", "/a/{x}", "/a/{x}/*", "/a/*", "/b", "/{x}", "/*"]
        let templates = sorted.shuffled().compactMap(PathTemplate.init)
        let order = templates.sorted { $0.isMoreSpecific(than: $1) }.map(\.text)
        for (earlier, later) in [("/a/b", "/a/{x}"), ("/a/{x}/c", "/a/{x}/*"), ("/a/{x}", "/a/*"), ("/b", "/*")] {
            let first = order.firstIndex(of: earlier)
            let second = order.firstIndex(of: later)
            #expect(first.map { one in second.map { one < $0 } ?? false } ?? false, "\(earlier) before \(later)")
        }
        #expect(order == templates.reversed().sorted { $0.isMoreSpecific(than: $1) }.map(\.text))
    }

    @Test(
        "every spelling of a path has one for policies; what goes upstream is as it was written",
        arguments: [
            ("/a/b", "/a/b"), ("/%61/b", "/a/b"), ("/%61%64min/", "/admin/"), ("/x%2Dy%7E", "/x-y~"),
            ("/a%40b%2Cc%3A%21", "/a@b,c:!"), ("/caf%c3%a9", "/caf%C3%A9"), ("/a%20b%22", "/a%20b%22"),
            ("/100%25", "/100%25"), ("/%2561", nil), ("/a%3Fb?c=%61", "/a%3Fb"), ("/", "/"), ("/%7e/", "/~/"),
        ] as [(String, String?)],
    )
    func oneSpelling(written: String, normal: String?) throws {
        guard let normal else {
            #expect(throws: WireError.self) { _ = try RequestTarget(parsing: written) }
            return
        }
        let target = try RequestTarget(parsing: written)
        #expect(target.normalizedPath == normal)
        #expect(target.raw == written)
        #expect(try RequestTarget(parsing: normal).normalizedPath == normal)
        #expect(try RequestTarget(parsing: normal).segments == target.segments)
        let (_, rest) = try RequestTarget(parsing: "/api" + written).droppingFirstSegment()
        #expect(rest.normalizedPath == normal)
    }

    @Test(
        "a query has one spelling to policies, which is that of whatever means the same",
        arguments: [
            ("", ""), ("a=1", "a=1"), ("include=%66iles", "include=files"), ("%69nclude=files", "include=files"),
            ("p=%2Fetc%3fx%40y", "p=/etc?x@y"), ("a=%26b%3db", "a=%26b%3Db"), ("a=1%2B1+1", "a=1%2B1+1"),
            ("a=%2566", "a=%2566"), ("a=%c3%a9", "a=%C3%A9"), ("a=%20b", "a=%20b"), ("a=%3bb", "a=%3Bb"),
            ("a=%7e%2D%5f%2E", "a=~-_."), ("%41%5a%61%7A%30%39", "AZaz09"), ("a=%23%5c%22", "a=%23%5C%22"),
        ]
    )
    func queries(_ written: String, _ normal: String) throws {
        let target = try RequestTarget(parsing: "/x?" + written)
        #expect(target.normalizedQuery == normal)
        #expect(target.query == written)
        #expect(try RequestTarget(parsing: "/x?" + normal).normalizedQuery == normal)
        #expect(try RequestTarget(parsing: "/x").normalizedQuery == nil)
    }
}
