/// Conditions, and what the permissive mode finds in them; the strict mode finds something in all of them.
///
/// The Python binding of the official engine has no permissive mode. The rows follow its source, and their kinds those of
/// the cases for which cedar-go records what the official engine says in both modes.
enum PermissiveTable {
    /// What the words in capitals stand for.
    static let words = [
        "USER_OR_BOT": #"(if context.mfa then User::"a" else Bot::"b")"#,
        "USER_OR_DOC": #"(if context.mfa then User::"a" else Doc::"b")"#,
        "USER_OR_TEAM": #"(if context.mfa then User::"a" else Team::"b")"#,
        "WIDE_OR_NARROW": #"(if context.mfa then {a: 1, b: 2} else {a: 3})"#,
        "LONG_OR_BOOL": #"(if context.mfa then {a: 1} else {a: true})"#,
    ]

    static let conditions = #"""
        [].isEmpty() => valid
        [].contains(1) => valid
        [] == 1 => valid
        [].contains([]) => valid
        [[]] == [[1]] => valid
        [[], [1]].contains([2]) => valid
        principal.age == "a" => valid
        principal == principal.name => valid
        {a: 1} == {a: "x"} => valid
        {a: 1, b: 2} == {a: 1} => valid
        {a: []} == {a: [1]} => valid
        [1, 2].contains("a") => valid
        principal.labels.containsAny([1]) => valid
        [principal, resource].contains(principal) => valid
        [principal, resource] == [resource] => valid
        [{a: 1}, {b: 2}].contains({a: 3}) => valid
        principal in [Team::"a", Folder::"b"] => valid
        principal in [] => valid
        action in [] && 1 => valid
        (if context.mfa then principal else resource) == principal => valid
        (if context.mfa then principal else resource) in Folder::"a" => valid
        USER_OR_DOC is Doc => valid
        USER_OR_DOC is Team && 1 => valid
        USER_OR_BOT == resource && 1 => valid
        USER_OR_BOT.name == "x" => valid
        USER_OR_BOT has nothing && 1 => valid
        USER_OR_BOT has age => valid
        USER_OR_BOT has email && USER_OR_BOT.email == "x" => valid
        (if context.mfa then {a: 1, b: 2} else {a: 3, c: 4}).a == 1 => valid
        WIDE_OR_NARROW has b => valid
        LONG_OR_BOOL has a => valid
        USER_OR_TEAM.hasTag("x") => valid
        USER_OR_DOC.hasTag("x") && USER_OR_DOC.getTag("x") == "y" => valid
        principal.hasTag("a") && principal.getTag("a") == 1 => valid
        (if context.mfa then [] else [1]).contains(1) => valid
        ip(principal.name).isIpv4() => valid
        decimal(if context.mfa then "1.0" else "2.0") == principal.limit => valid
        principal has contact && (if context.mfa then principal.contact else principal.address) has fax => valid
        [1, "a"].contains(1) => incompatible-types
        [principal, "a"].isEmpty() => incompatible-types
        [{a: 1}, principal].isEmpty() => incompatible-types
        [[1], ["a"]].isEmpty() => incompatible-types
        (if context.mfa then 1 else "a") == 1 => incompatible-types
        [] && true => unexpected-type
        1 < [] => unexpected-type
        USER_OR_BOT.age == 1 => unsafe-attribute-access
        USER_OR_BOT.email == "x" => unsafe-optional-attribute-access
        USER_OR_DOC.name == "x" => unsafe-attribute-access
        USER_OR_BOT is User && 1 => unexpected-type
        USER_OR_BOT == principal && 1 => unexpected-type
        (if context.mfa then principal else resource) in Folder::"a" && 1 => unexpected-type
        WIDE_OR_NARROW.b == 2 => unsafe-attribute-access
        WIDE_OR_NARROW has b && WIDE_OR_NARROW.b == 2 => unsafe-attribute-access
        WIDE_OR_NARROW has b.c => unsafe-attribute-access
        LONG_OR_BOOL.a == 1 => unsafe-attribute-access
        USER_OR_BOT.hasTag("x") && USER_OR_BOT.getTag("x") == 1 => incompatible-types
        USER_OR_BOT.getTag("x") == 1 => unsafe-tag-access
        principal.email == "a" => unsafe-optional-attribute-access
        principal.name + 1 == 2 => unexpected-type
        ip(1).isIpv4() => unexpected-type
        ip("x").isIpv4() => function-argument-validation
        ip("1.2.3.4", "a").isIpv4() => wrong-number-arguments
        decimal(principal.age) == principal.limit => unexpected-type
        principal is Nobody => unrecognized-entity-type
        principal.labels.containsAny("a") => unexpected-type
        """#
}
