/// Expressions and what the official engine (4.12) makes of them, for the principal `User::"a"`, the action `Action::"x"`,
/// the resource `R::"r"`, an empty context and no entities.
///
/// `true` and `false` say whether the expression equals `true`; `error` that it has no value.
enum ExpressionTable {
    static let rows = (values + language).split(separator: "\n").map(String.init)

    private static let values = #"""
        true   datetime("2024-01-01") == datetime("2024-01-01T00:00:00Z")
        true   datetime("0000-01-01") == datetime("0000-01-01")
        false  datetime("0000-01-01").durationSince(datetime("1970-01-01")).toDays() == 719528
        true   datetime("0000-01-01").durationSince(datetime("1970-01-01")).toDays() == -719528
        true   datetime("9999-12-31T23:59:59.999Z") == datetime("9999-12-31T23:59:59.999Z")
        true   datetime("2024-02-29") == datetime("2024-02-29")
        error  datetime("2023-02-29") == datetime("2023-02-29")
        error  datetime("1900-02-29") == datetime("1900-02-29")
        true   datetime("2000-02-29") == datetime("2000-02-29")
        error  datetime("2024-01-01T24:00:00Z") == datetime("2024-01-01")
        error  datetime("2024-01-01T23:60:00Z") == datetime("2024-01-01")
        error  datetime("2024-01-01T23:59:60Z") == datetime("2024-01-01")
        error  datetime("2024-01-01T23:59:59.1Z") == datetime("2024-01-01")
        error  datetime("2024-01-01T23:59:59.1234Z") == datetime("2024-01-01")
        true   datetime("2024-01-01T23:59:59+0000") == datetime("2024-01-01T23:59:59Z")
        true   datetime("2024-01-01T23:59:59-0000") == datetime("2024-01-01T23:59:59Z")
        true   datetime("2024-01-01T23:59:59+2359") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-01-01T23:59:59+2400") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-01-01T23:59:59+0060") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-01-01T23:59:59+00:00") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-01-01T23:59:59") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-01-01Z") < datetime("2024-01-01T23:59:59Z")
        true   datetime("2024-01-01T23:59:59.999+0130") == datetime("2024-01-01T22:29:59.999Z")
        error  datetime("2024-01-01t23:59:59Z") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-1-01") < datetime("2024-01-01T23:59:59Z")
        error  datetime("+2024-01-01") < datetime("2024-01-01T23:59:59Z")
        error  datetime("-0001-01-01") < datetime("2024-01-01T23:59:59Z")
        error  datetime("12024-01-01") < datetime("2024-01-01T23:59:59Z")
        error  datetime("") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-00-01") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-13-01") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-01-00") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-04-31") < datetime("2024-01-01T23:59:59Z")
        error  datetime(" 2024-04-30") < datetime("2024-01-01T23:59:59Z")
        error  datetime("2024-04-30 ") < datetime("2024-01-01T23:59:59Z")
        error  datetime("٢024-04-30") < datetime("2024-01-01T23:59:59Z")
        true   datetime("0000-01-01T00:00:00+2359") < datetime("2024-01-01T23:59:59Z")
        true   datetime("9999-12-31T23:59:59-2359") > datetime("2024-01-01T23:59:59Z")
        true   datetime("2024-01-01").toDate() == datetime("2024-01-01")
        true   datetime("1969-12-31T23:00:00Z").toDate() == datetime("1969-12-31")
        true   datetime("1969-12-31T23:00:00Z").toTime() == duration("23h")
        error  datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toDate() == datetime("1970-01-01")
        false  datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toTime() == duration("1d")
        error  datetime("1970-01-01").offset(duration("9223372036854775807ms")).offset(duration("1ms")) == datetime("1970-01-01")
        error  datetime("1970-01-01").offset(duration("-9223372036854775808ms")).durationSince(datetime("1970-01-02")) == duration("1ms")
        error  datetime("1970-01-01").offset(duration("-9223372036854775807ms")).toDate() == datetime("1970-01-01")
        true   duration("-9223372036854775808ms") == duration("-9223372036854775808ms")
        error  duration("9223372036854775808ms") == duration("1ms")
        error  duration("") == duration("0ms")
        error  duration("-") == duration("0ms")
        true   duration("0ms") == duration("-0ms")
        true   duration("1d2h3m4s5ms") == duration("93784005ms")
        true   duration("-1d2h3m4s5ms") == duration("-93784005ms")
        error  duration("1h1d") == duration("1ms")
        error  duration("1d1d") == duration("1ms")
        error  duration("+1d") == duration("1d")
        error  duration("1.5d") == duration("1d")
        error  duration("1 d") == duration("1d")
        error  duration("1D") == duration("1d")
        error  duration("1") == duration("1ms")
        error  duration("d") == duration("1ms")
        false  duration("106751991167d") == duration("1ms")
        error  duration("106751991168d") == duration("1ms")
        true   duration("000000000000000000000000001d") == duration("1d")
        error  duration("99999999999999999999ms") == duration("1d")
        true   duration("1m1ms") == duration("60001ms")
        error  duration("1ms1m") == duration("60001ms")
        true   duration("1s") < duration("1m")
        error  duration("1s") < 5
        error  duration("1s") < datetime("2024-01-01")
        true   duration("-1ms").toSeconds() == 0
        true   duration("-1999ms").toSeconds() == -1
        true   duration("-36h").toDays() == -1
        true   duration("36h").toDays() == 1
        true   duration("1h").toMinutes() == 60
        true   duration("1d").toHours() == 24
        true   duration("1d").toMilliseconds() == 86400000
        true   decimal("1.0") == decimal("1.0000")
        error  decimal("1.00000") == decimal("1.0000")
        error  decimal("1") == decimal("1.0")
        error  decimal("1.") == decimal("1.0")
        error  decimal(".1") == decimal("0.1")
        error  decimal("-.1") == decimal("-0.1")
        error  decimal("+1.0") == decimal("1.0")
        true   decimal("-0.5") == decimal("-0.5")
        true   decimal("-0.0") == decimal("0.0")
        true   decimal("922337203685477.5807") == decimal("922337203685477.5807")
        error  decimal("922337203685477.5808") == decimal("922337203685477.5807")
        true   decimal("-922337203685477.5808") == decimal("-922337203685477.5808")
        error  decimal("-922337203685477.5809") == decimal("-922337203685477.5808")
        true   decimal("000000000000000000000000000001.0") == decimal("1.0")
        error  decimal("1e5") == decimal("1.0")
        error  decimal(" 1.0") == decimal("1.0")
        error  decimal("") == decimal("1.0")
        error  decimal("--1.0") == decimal("1.0")
        error  decimal("1.0.0") == decimal("1.0")
        error  decimal("٣.0") == decimal("3.0")
        error  decimal(1) == decimal("3.0")
        error  decimal("1.0") < decimal("3.0")
        true   decimal("1.0").lessThan(decimal("3.0"))
        error  decimal("1.0").lessThan(1)
        error  decimal("1.0").lessThan(ip("1.1.1.1"))
        error  1.lessThan(decimal("1.0"))
        true   ip("1.2.3.4") == ip("1.2.3.4/32")
        false  ip("10.0.0.1/8") == ip("10.0.0.2/8")
        true   ip("10.0.0.1/8").isInRange(ip("10.0.0.2/8"))
        error  ip("01.2.3.4").isIpv4()
        error  ip("1.2.3").isIpv4()
        error  ip("1.2.3.4.5").isIpv4()
        error  ip("1.2.3.256").isIpv4()
        error  ip("1.2.3.4/33").isIpv4()
        error  ip("1.2.3.4/032").isIpv4()
        error  ip("1.2.3.4/08").isIpv4()
        true   ip("1.2.3.4/0").isIpv4()
        error  ip("1.2.3.4/00").isIpv4()
        error  ip("1.2.3.4/").isIpv4()
        error  ip("1.2.3.4/+8").isIpv4()
        error  ip("1.2.3.4/-1").isIpv4()
        error  ip("1.2.3.4/8/8").isIpv4()
        error  ip("/8").isIpv4()
        error  ip("").isIpv4()
        error  ip(" 1.2.3.4").isIpv4()
        true   ip("::").isIpv6()
        true   ip("::1").isLoopback()
        true   ip("::1/128").isLoopback()
        false  ip("::1/127").isLoopback()
        true   ip("127.0.0.1").isLoopback()
        false  ip("127.0.0.1/7").isLoopback()
        true   ip("127.255.0.1/8").isLoopback()
        false  ip("128.0.0.1").isLoopback()
        error  ip("::ffff:127.0.0.1").isLoopback()
        false  ip("::ffff:7f00:1").isLoopback()
        false  ip("::ffff:7f00:1").isIpv4()
        true   ip("224.0.0.1").isMulticast()
        true   ip("239.255.255.255").isMulticast()
        false  ip("240.0.0.0").isMulticast()
        true   ip("224.0.0.0/4").isMulticast()
        false  ip("224.0.0.0/3").isMulticast()
        true   ip("ff00::").isMulticast()
        true   ip("ff00::/8").isMulticast()
        false  ip("ff00::/7").isMulticast()
        true   ip("1:2:3:4:5:6:7::").isIpv6()
        true   ip("::2:3:4:5:6:7:8").isIpv6()
        true   ip("1::3:4:5:6:7:8").isIpv6()
        error  ip("1:2:3:4::5:6:7:8").isIpv6()
        true   ip("1:2:3:4:5:6:7:8").isIpv6()
        error  ip("1:2:3:4:5:6:7").isIpv6()
        error  ip("1:2:3:4:5:6:7:8:9").isIpv6()
        error  ip("1:2:3:4:5:6:7:8::").isIpv6()
        error  ip("::1::").isIpv6()
        error  ip(":::").isIpv6()
        error  ip(":1").isIpv6()
        error  ip("1:").isIpv6()
        error  ip("12345::").isIpv6()
        error  ip("00001::").isIpv6()
        true   ip("0001::").isIpv6()
        error  ip("G::").isIpv6()
        true   ip("ABCD::ef") == ip("abcd::EF")
        true   ip("::/0").isIpv6()
        error  ip("::/129").isIpv6()
        error  ip("::/0128").isIpv6()
        error  ip("[::1]").isIpv6()
        error  ip("::1%eth0").isIpv6()
        error  ip("::1.2.3.4").isIpv6()
        true   ip("0:0:0:0:0:0:0:1") == ip("::1")
        true   ip("1.2.3.4").isInRange(ip("0.0.0.0/0"))
        false  ip("1.2.3.4").isInRange(ip("::/0"))
        false  ip("1.2.3.4/0").isInRange(ip("1.2.3.4"))
        error  ip("1.2.3.4").isInRange("1.2.3.4")
        error  ip("1.2.3.4").isInRange(1)

        """#

    private static let language = #"""
        error  ip("1.2.3.4") < ip("1.2.3.5")
        error  "1.2.3.4".isIpv4()
        error  ip(principal) == 1
        error  ip("1.2.3.4\u{0}").isIpv4()
        true   ip("0000:0000:0000:0000:0000:0000:0000:0001/128").isIpv6()
        true   [1, "a", principal] == [principal, "a", 1]
        true   [1,1,2] == [1,2]
        true   {a:1} == {"a":1}
        false  1 == "1"
        false  principal == "a"
        false  ip("1.1.1.1") == "1.1.1.1"
        false  datetime("1970-01-01") == duration("0ms")
        error  1 < "a"
        error  true < false
        error  "a" < "b"
        error  1 + true
        error  1 - 9223372036854775807 - 3
        error  9223372036854775807 + 1
        error  9223372036854775807 * 2
        error  -9223372036854775808 * -1
        error  !1
        error  !"a"
        error  1 && true
        error  true && 1
        false  false && 1
        true   true || 1
        error  1 || true
        error  false || 1
        error  if 1 then true else false
        true   if true then true else 1
        false  [1].contains("a")
        error  1.contains(1)
        error  [1,2].containsAll(1)
        true   [1,2].containsAll([])
        false  [1,2].containsAny([])
        false  [].containsAny([])
        error  1.isEmpty()
        false  [[]].isEmpty()
        true   "a" like "a"
        error  1 like "a"
        error  principal in [principal, 1]
        false  principal in []
        error  principal in 1
        error  [principal] in principal
        error  principal in {}
        error  1 is User
        error  principal is User in 1
        false  principal is Foo in 1
        error  context.foo
        false  context has foo
        false  context has foo.bar
        error  [1] has a
        false  principal.hasTag("a")
        error  1.hasTag("a")
        error  context.hasTag("a")
        error  context.getTag("a")
        error  principal["a"]
        true   {a:{b:1}} has a.b
        false  {a:{b:1}} has a.c
        error  {a:1} has a.b
        false  {a:1} has b.c
        false  {a:User::"x"} has a.b
        error  {a: 1 + true} has b
        error  [1 + true] == []
        true   {"a b":1}["a b"] == 1
        error  principal["if"] == 1
        error  ip()
        error  ip("1.2.3.4","x")
        error  ip("1.2.3.4").isIpv4(1)
        error  ip("1.2.3.4").isIpv4
        true   [1].contains(1,)
        true   [1,2,] == [2,1]
        true   {a:1,} == {a:1}
        error  true has a
        error  1 in 2
        false  -9223372036854775808 == 1
        error  --9223372036854775808 == 1
        false  - 9223372036854775808 == 1
        true   !!!!true
        true   - -1 == 1
        true   2 * 3 == 6
        error  2 * context.a == 6
        true   {a:2}.a * {a:3}.a == 6
        true   "a" like "a*"
        false  "a" like "\*"
        true   "*" like "\*"
        true   "abcabc" like "a*c"
        false  "abc" like "a*c*c"
        true   "a*c" like "a\*c"
        true   "é" like "*é"
        true   "" like "*"
        true   "" like ""
        true   "ab" like "a*b*"
        true   "aab" like "*ab"
        true   principal is User
        true   principal is User in User::"a"
        true   principal is User in [User::"a"]
        false  principal is principal
        false  principal is A::B::C
        false  if true then 1 else 2 == 1
        true   (if true then 1 else 2) == 1
        false  principal has "a b"
        false  principal has a.b.c
        false  principal has principal
        false  principal has context.principal
        error  principal.principal == 1
        false  principal::"x" == principal
        false  principal::User::"x" == principal
        true   User :: "a" == principal
        false  a__cedar::"x" == principal
        true   [].isEmpty()
        false  [1].isEmpty()
        error  principal.hasTag(1)
        error  principal.getTag("a")
        error  principal.isEmpty
        error  principal.contains.contains(1)
        true   "\u{1F600}" == "😀"
        true   "\x41" == "A"
        true   "\u{4_1}" == "A"
        true   "\u{41_}" == "A"
        true   "\0\n\r\t\\\'\"" == "\u{0}\u{a}\u{d}\u{9}\u{5c}\u{27}\u{22}"
        true   "é" == "é"
        true   User::"é" == User::"é"
        true   {"é": 1} == {"é": 1}
        true   ["é"].contains("é")
        true   1 + 2 * 3 == 7
        true   (1 + 2) * 3 == 9
        true   10 - 3 - 2 == 5
        true   10 - (3 - 2) == 9
        true   -2 * 3 == -6
        true   2 - -3 == 5
        true   1 < 2 && 2 < 3
        true   true || false && false
        false  (true || false) && false
        true   false && false || true
        false  !false && false
        true   !(false && false)
        true   1 == 1 && 2 == 2 || 3 == 4
        false  if false then 1 else if true then 2 else 3
        true   (if false then 1 else if true then 2 else 3) == 2
        true   if (1 < 2) then 1 == 1 else 1 + true == 2
        true   01 == 1
        true   {"if": 1} == {"if": 1}
        true   {permit: 1, when: 2}.permit == 1
        true   [[1, 2], [3]].contains([2, 1])
        true   [{a: 1}].contains({"a": 1})
        true   [1, 2, 3].containsAny([3, 4])
        false  [1, 2, 3].containsAll([3, 4])
        true   [ip("1.2.3.4")].contains(ip("1.2.3.4/32"))
        false  [1, 2] == [1, 2, 3]
        true   {a: 1, b: 2} == {b: 2, a: 1}
        false  {a: 1} == {a: 1, b: 2}
        false  [] == {}
        true   principal in [User::"b", User::"a"]
        false  principal in User::"b"
        true   Action::"x" == action
        true   resource == R::"r"
        true   context == {}
        true   if context has a then context.a == 1 else true
        false  context has a && context.a == 1
        error  context.a == 1 || true
        true   true || context.a == 1
        true   duration("1d") == duration("24h")
        true   datetime("2024-10-15").offset(duration("1d")) == datetime("2024-10-16")
        true   datetime("2024-10-15T11:38:02.101Z").toTime() == duration("11h38m2s101ms")
        true   datetime("2024-10-15") >= datetime("2024-10-15")
        false  datetime("2024-10-15") > datetime("2024-10-15")
        true   duration("1h") <= duration("60m")
        true   decimal("1.1").greaterThan(decimal("1.0"))
        true   decimal("1.1").greaterThanOrEqual(decimal("1.1"))
        false  decimal("1.1").lessThanOrEqual(decimal("1.0"))
        """#
}
