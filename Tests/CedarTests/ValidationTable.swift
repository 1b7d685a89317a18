/// Policies, and what the official engine (4.12) finds in them: the classes, with the columns of the expressions.
///
/// A column is counted from the start of the condition or, in the second table, of the policy. The classes were compared
/// with the official engine's when the tables were made; one is left out that it also finds: no action applies where the
/// scope names a type or an action that the schema does not declare.
enum ValidationTable {
    /// The schema that all of them are held against.
    static let schema = #"""
        entity User in [Team] = {
            name: String, age: Long, admin: Bool, manager?: User, email?: String,
            address: {street: String, zip?: Long}, contact?: {phone?: String, fax: Long},
            labels: Set<String>, limit: decimal, lastIP: ipaddr, joined: datetime, quota: duration,
            "two words"?: Long, allowed: Set<Action>,
        } tags String;
        entity Team in [Team] = {lead: User} tags Set<String>;
        entity Doc in [Folder] = {owner: User, title: String, level: Long};
        entity Folder;
        entity Bot = {name: String, age: String, email: String} tags Long;
        entity Color enum ["red", "green"];
        action read;
        action view in [read] appliesTo {
            principal: User, resource: Doc, context: {ip: ipaddr, note?: String, mfa: Bool, color: Color},
        };
        action edit in [read] appliesTo {principal: [User, Bot], resource: [Doc, Folder]};
        namespace Ops {
            entity Host in [Folder] = {port: Long} tags Long;
            action restart appliesTo {principal: User, resource: Host, context: {reason?: {ticket: String, by?: User}}};
        }
        """#

    /// Conditions of a policy about users who view documents.
    static let conditions = #"""
        true => valid
        false => valid
        principal.name == "a" => valid
        principal.nam == "a" => unsafe-attribute-access 1
        principal.email == "a" => unsafe-optional-attribute-access 1
        principal has email && principal.email == "a" => valid
        principal has email || principal.email == "a" => unsafe-optional-attribute-access 24
        !(principal has email) || principal.email == "a" => unsafe-optional-attribute-access 27
        (principal has email || principal has manager) && principal.email == "a" => unsafe-optional-attribute-access 51
        (principal has email && true) && principal.email == "a" => valid
        principal has email && principal has manager && principal.manager.name == principal.email => valid
        if principal has email then principal.email == "a" else false => valid
        if principal has email then true else principal.email == "a" => unsafe-optional-attribute-access 39
        (if principal has email then true else false) && principal.email == "a" => unsafe-optional-attribute-access 50
        (if principal has email then principal has manager else false) && principal.email == "a" => unsafe-optional-attribute-access 67
        (if true then principal has email else false) && principal.email == "a" => valid
        principal has manager && principal.manager has email && principal.manager.email == "a" => valid
        principal has manager.email && principal.manager.email == "a" => valid
        principal has manager.manager.email && principal.manager.manager.email == "a" => valid
        principal has address.zip && principal.address.zip == 1 => valid
        principal has contact.phone && principal.contact.phone == "1" => valid
        principal has contact.fax && principal.contact.fax == 1 => valid
        principal.contact.fax == 1 => unsafe-optional-attribute-access 1
        principal.address.zip == 1 => unsafe-optional-attribute-access 1
        principal.address.city == "a" => unsafe-attribute-access 1
        principal has nothing && 1 == "x" => valid
        principal has nothing.more => valid
        principal has name.more => unexpected-type 1
        principal has "two words" && principal["two words"] == 1 => valid
        principal["two words"] == 1 => unsafe-optional-attribute-access 1
        context has note && context.note == "a" => valid
        context.note == "a" => unsafe-optional-attribute-access 1
        context has mfa && 1 => unexpected-type 20
        context has absent && 1 => valid
        resource has owner.email && resource.owner.email like "*@example.com" => valid
        resource.owner.email like "*" => unsafe-optional-attribute-access 1
        principal.age like "a" => unexpected-type 1
        principal like "a" => unexpected-type 1
        principal.hasTag("a") && principal.getTag("a") == "b" => valid
        principal.getTag("a") == "b" => unsafe-tag-access 1
        principal.hasTag("a") && principal.getTag("b") == "b" => unsafe-tag-access 26
        principal.hasTag(principal.name) && principal.getTag(principal.name) == "b" => valid
        principal.hasTag("a") && resource.owner.getTag("a") == "b" => unsafe-tag-access 26
        principal.hasTag("a") && principal.getTag("a") == 1 => incompatible-types 26
        resource.hasTag("a") && 1 => valid
        resource.getTag("a") == "b" => unsafe-tag-access 1
        principal.hasTag(1) => unexpected-type 18
        principal.name.hasTag("a") => unexpected-type 1
        action.hasTag("a") && 1 => valid
        principal.age + 1 > 2 => valid
        principal.name + "a" == "b" => unexpected-type 1, incompatible-types 1, unexpected-type 18
        principal.labels + 1 == 2 => unexpected-type 1
        -principal.name == 1 => unexpected-type 2
        -principal.age == 1 => valid
        principal.age < "a" => unexpected-type 17
        "a" < principal.age => unexpected-type 1
        principal.joined < datetime("2026-01-01") => valid
        principal.joined < duration("1d") => unexpected-type 20
        principal.quota >= duration("1d") => valid
        principal.limit < decimal("1.0") => unexpected-type 1, unexpected-type 19
        principal.limit.lessThan(decimal("1.0")) => valid
        principal.limit.lessThan(1) => unexpected-type 26
        principal.name < principal.name => unexpected-type 1, unexpected-type 18
        1 == 2 && "x" => valid
        1 == "a" => valid
        principal.age == "a" => incompatible-types 1
        principal == resource => valid
        principal == resource && 1 => valid
        principal == principal.name => incompatible-types 1
        action == Action::"view" || 1 => valid
        action == Action::"edit" && 1 => valid
        action == action || 1 => valid
        action in Action::"read" || 1 => valid
        action in [Action::"edit", Action::"read"] || 1 => valid
        action in [Action::"edit"] && 1 => valid
        action in Ops::Action::"restart" && 1 => valid
        Action::"view" in action || 1 => valid
        action in principal.allowed => valid
        action in principal && 1 => valid
        principal in Team::"a" => valid
        principal in [Team::"a", Team::"b"] => valid
        principal in Folder::"a" && 1 => valid
        principal in [Team::"a", Folder::"b"] => incompatible-types 14
        principal in resource && 1 => valid
        principal in principal.name => unexpected-type 14
        principal.name in Team::"a" => unexpected-type 1
        principal in ["a"] => unexpected-type 14
        resource in Folder::"a" && resource.level > 1 => valid
        principal is User || 1 => valid
        principal is Doc && 1 => valid
        principal is User in Team::"a" => valid
        principal is Doc in Team::"a" && 1 => valid
        principal is User in 1 => unexpected-type 22
        principal.name is User => unexpected-type 1
        principal is Nobody => unrecognized-entity-type 1
        principal is Ops::Hots => unrecognized-entity-type 1
        [1, 2].contains(1) => valid
        [1, "a"].contains(1) => incompatible-types 1
        [1, 2].contains("a") => incompatible-types 1
        [].contains(1) => empty-set-forbidden 1
        [[]] == [[1]] => empty-set-forbidden 2
        principal.labels.contains("a") => valid
        principal.labels.contains(1) => incompatible-types 1
        principal.labels.containsAll(["a"]) => valid
        principal.labels.containsAny([1]) => incompatible-types 1
        principal.labels.containsAny("a") => unexpected-type 30
        principal.name.contains("a") => unexpected-type 1
        principal.address.contains("a") => unexpected-type 1
        principal.contains(principal) => unexpected-type 1
        principal.labels.isEmpty() => valid
        principal.name.isEmpty() => unexpected-type 1
        {a: 1}.a == 1 => valid
        {a: 1}.b == 1 => unsafe-attribute-access 1
        {a: 1, b: 2} == {a: 1} => incompatible-types 1
        {a: 1} == {a: "x"} => incompatible-types 1
        principal.address == {street: "a"} => incompatible-types 1
        [{a: 1}, {a: 2}].contains({a: 3}) => valid
        [{a: 1}, {b: 2}].contains({a: 3}) => incompatible-types 1
        (if context.mfa then 1 else 2) == 1 => valid
        (if context.mfa then 1 else "a") == 1 => incompatible-types 2
        (if context.mfa then principal else resource) == principal => incompatible-types 2
        if 1 then true else false => unexpected-type 4
        if true then true else 1 => valid
        if false then 1 else true => valid
        !1 => unexpected-type 2
        !(!context.mfa) => valid
        1 && true => unexpected-type 1
        true && 1 => unexpected-type 9
        1 || true => unexpected-type 1
        true || 1 => valid
        false || 1 => unexpected-type 10
        context.mfa || "a" => unexpected-type 16
        principal.name => unexpected-type 1
        ip("10.0.0.1").isIpv4() => valid
        ip("10.0.0.256").isIpv4() => function-argument-validation 1
        ip(principal.name).isIpv4() => non-lit-ext-constructor 1
        ip(1).isIpv4() => unexpected-type 4
        ip("1.2.3.4", "a").isIpv4() => wrong-number-arguments 1
        context.ip.isInRange(ip("10.0.0.0/8")) => valid
        context.ip.isInRange("10.0.0.0/8") => unexpected-type 22
        context.ip.isInRange() => wrong-number-arguments 1
        decimal("1.23456") == principal.limit => function-argument-validation 1
        datetime("2026-02-30").toDate() == principal.joined => function-argument-validation 1
        duration("1x") == principal.quota => function-argument-validation 1
        datetime("2026-01-01").offset(duration("1d")).durationSince(principal.joined).toDays() == 1 => valid
        principal.joined.toTime() == principal.joined => incompatible-types 1
        Color::"red" == context.color => valid
        context.color == Color::"blue" => invalid-enum-entity 18
        false && Color::"blue" == context.color => invalid-enum-entity 10
        false && Nobody::"a" == principal => unrecognized-entity-type 10
        User::"a".nam == "b" => unsafe-attribute-access 1
        User::"a" has email && User::"b".email == "x" => unsafe-optional-attribute-access 24
        Action::"vieww" == action => unrecognized-action-id 1
        false && action in [Ops::Action::"view"] => unrecognized-action-id 21
        if (true && true) == true then true else 1 => valid
        if (false || true) == true then true else 1 => valid
        if !true == false then true else 1 => incompatible-types 1
        if -1 == -(1) then true else 1 => incompatible-types 1
        if -(1) == 1 then true else 1 => incompatible-types 1
        if 1 + 1 == 2 then true else 1 => incompatible-types 1
        if "a" == "b" then 1 else true => valid
        1 && principal has email && principal.email == "a" => unexpected-type 1, unsafe-optional-attribute-access 29
        1 && (principal has email && principal.email == "a") => unexpected-type 1
        (principal has email) == true && principal.email == "a" => unsafe-optional-attribute-access 34
        (if context.mfa then principal else principal) has email && (if context.mfa then principal else principal).email == "a" => valid
        (if context.mfa then principal else principal) has email && (if !context.mfa then principal else principal).email == "a" => unsafe-optional-attribute-access 61
        (if 1 > 2 then principal else principal) has email && (if !(1 <= 2) then principal else principal).email == "a" => valid
        (if 1 != 2 then principal else principal) has email && (if !(1 == 2) then principal else principal).email == "a" => valid
        {b: principal, a: 1}.b has email && {a: 1, b: principal}.b.email == "a" => valid
        User::"a" has manager && User::"a".manager in Team::"b" => valid
        principal has email && principal has email && 1 => unexpected-type 47
        principal.hasTag("a") && (principal.hasTag("a") || 1) => valid
        """#

    /// Whole policies.
    static let policies = #"""
        permit(principal, action, resource); => valid
        permit(principal == User::"a", action == Action::"view", resource == Doc::"b"); => valid
        permit(principal == Bot::"a", action == Action::"view", resource); => invalid-action-application 41
        permit(principal in Team::"a", action, resource in Folder::"b"); => valid
        permit(principal in Folder::"a", action, resource); => invalid-action-application 1
        permit(principal == Team::"a", action == Action::"view", resource); => invalid-action-application 42
        permit(principal is Bot, action == Action::"edit", resource is Folder); => valid
        permit(principal is Bot, action in Action::"read", resource is Ops::Host); => invalid-action-application 36
        permit(principal is Usr, action, resource); => unrecognized-entity-type 21
        permit(principal is User in Team::"a", action, resource is Doc in Folder::"b"); => valid
        permit(principal is User in Folder::"a", action, resource); => invalid-action-application 1
        permit(principal, action == Action::"veiw", resource); => unrecognized-action-id 29
        permit(principal, action == Action::"read", resource); => invalid-action-application 29
        permit(principal, action in Action::"read", resource); => valid
        permit(principal, action in [], resource); => invalid-action-application 1, empty-set-forbidden 1
        permit(principal, action in [Action::"view", Ops::Action::"restart"], resource); => incompatible-types 30
        permit(principal, action in [Action::"view", Action::"none"], resource); => unrecognized-action-id 46
        permit(principal, action in [Action::"view", Action::"edit"], resource) when { resource.title == "a" }; => unsafe-attribute-access 80
        permit(principal, action == Action::"edit", resource is Doc) when { principal.age == 1 }; => incompatible-types 69
        permit(principal is User, action == Action::"edit", resource is Doc) when { principal.age == 1 && resource.level == 2 }; => valid
        permit(principal == Color::"blue", action, resource); => invalid-action-application 1, invalid-enum-entity 21
        permit(principal, action, resource == Doc::"a") when { 1 } unless { "a" }; => unexpected-type 56, unexpected-type 69
        permit(principal, action, resource) when { principal has email } when { principal.email == "a" }; => valid
        permit(principal, action, resource) unless { principal has email } when { principal.email == "a" }; => unsafe-optional-attribute-access 75
        permit(principal, action == Ops::Action::"restart", resource) when { context has reason.by.email && context.reason.by.email == "a" }; => valid
        permit(principal, action, resource) when { context has reason && context.reason.ticket == "a" }; => valid
        permit(principal, action, resource) when { false }; => valid
        permit(principal, action, resource) when { 1 } when { principal has email } when { principal.email == "a" }; => unexpected-type 44
        permit(principal == Nobody::"a", action, resource) when { principal has email } when { principal.email == "a" }; => unrecognized-entity-type 21
        permit(principal == Nobody::"a", action, resource) when { principal.nothing }; => unrecognized-entity-type 21, unsafe-attribute-access 59, unsafe-attribute-access 59
        permit(principal, action == Action::"none", resource) when { principal.nothing }; => unrecognized-action-id 29
        permit(principal, action in Action::"none", resource) when { principal.nothing }; => unrecognized-action-id 29, unsafe-attribute-access 62, unsafe-attribute-access 62
        permit(principal in Action::"none", action, resource) when { principal.nothing }; => unrecognized-action-id 21, unsafe-attribute-access 62, unsafe-attribute-access 62
        permit(principal, action in [], resource) when { principal.nothing }; => invalid-action-application 1, empty-set-forbidden 1, unsafe-attribute-access 50, unsafe-attribute-access 50
        permit(principal, action, resource) when { action == Action::"view" && context.mfa }; => valid
        permit(principal == ?principal, action == Action::"view", resource in ?resource); => valid
        permit(principal == ?principal, action == Action::"view", resource) when { principal.nam == "a" }; => unsafe-attribute-access 76
        permit(principal is Bot in ?principal, action == Action::"view", resource); => invalid-action-application 50
        permit(principal is User in ?principal, action == Action::"view", resource == ?resource) when { resource.level > principal.age }; => valid
        """#
}
