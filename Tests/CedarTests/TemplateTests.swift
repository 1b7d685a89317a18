import Cedar
import Testing

@Suite("Templates", .timeLimit(.minutes(10)))
struct TemplateTests {
    @Test(
        "a slot stands where the official grammar takes it, and prints as it was read",
        arguments: [
            ("permit(principal == ?principal,action,resource);", "principal == ?principal, action, resource"),
            ("permit(principal in ?principal,action,resource);", "principal in ?principal, action, resource"),
            ("permit(principal == ((?principal)),action,resource);", "principal == ?principal, action, resource"),
            (
                "permit(principal is A::B in ?principal,action,resource is User in (?resource));",
                "principal is A::B in ?principal, action, resource is User in ?resource"
            ),
            (
                "permit(principal,action in[Action::\"a\",],resource == ?resource);",
                "principal, action in [Action::\"a\"], resource == ?resource"
            ),
            ("permit(principal,action,resource in ?resource,);", "principal, action, resource in ?resource"),
        ]
    )
    func slots(text: String, head: String) throws {
        let set = try PolicySet(text: text)
        #expect(set.policies.isEmpty)
        #expect(set.templates.map(\.canonicalText) == ["permit (\(head));"])
        #expect(try PolicySet(text: set.canonicalText).canonicalText == set.canonicalText)
    }

    @Test(
        "a slot elsewhere is refused, with a hint",
        arguments: [
            (
                "permit(principal == ?resource,action,resource);",
                "1:21: the slot `?resource` cannot stand here (the slot of this place is `?principal`)"
            ),
            (
                "permit(principal,action,resource in (?principal));",
                "1:38: the slot `?principal` cannot stand here (the slot of this place is `?resource`)"
            ),
            (
                "permit(principal == ?principalx,action,resource);",
                "1:21: the slot `?principalx` cannot stand here (the slot of this place is `?principal`)"
            ),
            (
                "permit(principal,action == ?principal,resource);",
                "1:28: the slot `?principal` cannot stand in the action's scope (only the principal and the resource have slots; name an action)"
            ),
            (
                "permit(principal,action in [?action],resource);",
                "1:29: the slot `?action` cannot stand in the action's scope (only the principal and the resource have slots; name an action)"
            ),
            (
                "permit(principal == ?principal,action,resource) when { principal == ?principal };",
                "1:69: the slot `?principal` cannot stand in a condition (slots stand in the scope only: `principal == ?principal`)"
            ),
            (
                "permit(principal is ?principal,action,resource);",
                "1:21: expected an entity type, found `?principal` (a type is a bare name: `is Photos::Album`)"
            ),
            (
                "permit(principal in [?principal],action,resource);",
                "1:21: a single entity must stand here, not a set (only the action's scope takes a set)"
            ),
            (
                "permit(?principal == principal,action,resource);",
                "1:8: expected `principal`, found `?principal` (a scope is `(principal, action, resource)`, in this order)"
            ),
            (
                "permit(principal ?principal,action,resource);",
                "1:18: expected `==`, `in`, `is`, `,` or `)`, found `?principal` (slots stand in the scope only, after `==` or `in`)"
            ),
        ]
    )
    func refused(text: String, message: String) throws {
        do {
            _ = try PolicySet(text: text)
            Issue.record("the template was read")
        } catch {
            #expect(error.errors.map(\.description) == ["test.cedar:" + message])
        }
    }

    static let text = """
        @id("share") permit (principal == ?principal, action, resource in ?resource) when { context.ok };
        permit (principal == User::"root", action, resource);
        @id("ban") forbid (principal in ?principal, action, resource);

        """

    static let values: [Template.Slot: EntityUID] = [
        .principal: EntityUID(type: "User", id: "a"), .resource: EntityUID(type: "R", id: "r"),
    ]

    @Test("ids count policies and templates together")
    func ids() throws {
        let set = try PolicySet(text: Self.text)
        #expect(set.templates.map(\.id) == ["policy0", "policy2"])
        #expect(set.policies.map(\.id) == ["policy1"])
        #expect(set.templates.map(\.slots) == [[.principal, .resource], [.principal]])
        #expect(set.templates.map { "\($0.position)" } == ["test.cedar:1:1", "test.cedar:3:1"])
        let named = try PolicySet(parsing: [PolicySource(name: "x", text: Self.text)], idsFromAnnotations: true)
        #expect(named.templates.map(\.id) == ["share", "ban"])
        #expect(named.policies.map(\.id) == ["policy1"])
        let twice = Self.text.replacing("ban", with: "share")
        #expect(throws: PolicyErrors.self) {
            try PolicySet(parsing: [PolicySource(name: "x", text: twice)], idsFromAnnotations: true)
        }
    }

    @Test("a template says nothing until it is linked, a link says what the template does")
    func evaluation() throws {
        let set = try PolicySet(text: Self.text)
        let request = Request(
            principal: EntityUID(type: "User", id: "a"),
            action: EntityUID(type: "Action", id: "x"),
            resource: EntityUID(type: "R", id: "r"),
            context: Record([("ok", .bool(true))]),
        )
        #expect(set.authorize(request, Entities.empty).decision == .deny)
        let linked = try set.linking(template: "policy0", newID: "link", values: Self.values)
        #expect(linked.authorize(request, Entities.empty).decision == .allow)
        #expect(linked.authorize(request, Entities.empty).reasons == ["link"])
        let banned = try linked.linking(
            template: "policy2",
            newID: "no",
            values: [.principal: EntityUID(type: "User", id: "a")],
        )
        #expect(banned.authorize(request, Entities.empty).decision == .deny)
        #expect(banned.authorize(request, Entities.empty).reasons == ["no"])
        #expect(banned.links.map(\.id) == ["link", "no"])
        #expect(banned.policies.map(\.id) == ["policy1", "link", "no"])
        #expect(banned.templates.count == 2)
    }

    @Test(
        "a link that does not fit is refused",
        arguments: [
            ("policy1", "n", [Template.Slot.principal], LinkingError.unknownTemplate("policy1")),
            ("nobody", "n", [.principal], .unknownTemplate("nobody")),
            ("link", "n", [.principal], .unknownTemplate("link")),
            ("policy2", "policy1", [.principal], .idTaken("policy1")),
            ("policy2", "policy0", [.principal], .idTaken("policy0")),
            ("policy2", "policy2", [.principal], .idTaken("policy2")),
            ("policy2", "link", [.principal], .idTaken("link")),
            ("policy2", "n", [], .missingValue(.principal, template: "policy2")),
            ("policy0", "n", [.principal], .missingValue(.resource, template: "policy0")),
            ("policy2", "n", [.principal, .resource], .unexpectedValue(.resource, template: "policy2")),
        ]
    )
    func refusedLinks(template: String, id: String, slots: [Template.Slot], error: LinkingError) throws {
        let set = try PolicySet(text: Self.text).linking(template: "policy0", newID: "link", values: Self.values)
        let values = Self.values.filter { slots.contains($0.key) }
        #expect(throws: error) { try set.linking(template: template, newID: id, values: values) }
    }

    @Test("links are made all or none, each under an id of its own")
    func severalLinks() throws {
        let set = try PolicySet(text: Self.text)
        let values = Self.values.filter { $0.key == .principal }
        let one = TemplateLink(id: "a", template: "policy2", values: values)
        #expect(throws: LinkingError.idTaken("a")) { try set.linking([one, one]) }
        let two = TemplateLink(id: "b", template: "policy2", values: values)
        #expect(try set.linking([one, two]).policies.map(\.id) == ["policy1", "a", "b"])
    }

    @Test("the canonical text keeps the order, and changes with every part of a link")
    func canonicalText() throws {
        let set = try PolicySet(text: Self.text)
        let statements = """
            // "policy0"
            @id("share")
            permit (principal == ?principal, action, resource in ?resource)
            when { context.ok };

            permit (principal == User::"root", action, resource);

            // "policy2"
            @id("ban")
            forbid (principal in ?principal, action, resource);

            """
        #expect(set.canonicalText == statements)
        #expect(try PolicySet(text: set.canonicalText).canonicalText == set.canonicalText)
        let principal = Self.values.filter { $0.key == .principal }
        let b = TemplateLink(id: "b\n", template: "policy0", values: Self.values)
        let a = TemplateLink(id: "a", template: "policy2", values: principal)
        let linked = try set.linking([b, a])
        let links = """

            // links "policy2" as "a" with ?principal = User::"a"
            @id("ban")
            forbid (principal in User::"a", action, resource);

            // links "policy0" as "b\\n" with ?principal = User::"a", ?resource = R::"r"
            @id("share")
            permit (principal == User::"a", action, resource in R::"r")
            when { context.ok };

            """
        #expect(linked.canonicalText == statements + links)
        #expect(try set.linking([a, b]).canonicalText == linked.canonicalText)
    }
}
