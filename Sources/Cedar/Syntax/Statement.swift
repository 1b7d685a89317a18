/// What policy texts consist of: policies and templates.
enum Statement: Sendable {
    case policy(Policy)
    case template(Template)

    /// A template, or the policy that it is where it has no slot.
    init(_ template: Template) {
        if let policy = template.policy(id: template.id, values: [:]) {
            self = .policy(policy)
        } else {
            self = .template(template)
        }
    }

    var id: String {
        switch self {
        case .policy(let policy): policy.id
        case .template(let template): template.id
        }
    }

    var position: SourcePosition {
        switch self {
        case .policy(let policy): policy.position
        case .template(let template): template.position
        }
    }

    var canonicalText: String {
        switch self {
        case .policy(let policy): policy.canonicalText
        case .template(let template): template.canonicalText
        }
    }

    /// Whether it is a template whose text reads as a policy.
    var isSlotlessTemplate: Bool {
        switch self {
        case .policy: false
        case .template(let template): template.slots.isEmpty
        }
    }

    func annotation(_ name: String) -> String? {
        switch self {
        case .policy(let policy): policy.annotation(name)
        case .template(let template): template.annotation(name)
        }
    }

    func named(_ id: String) -> Statement {
        switch self {
        case .policy(let policy): .policy(policy.named(id))
        case .template(let template): .template(template.named(id))
        }
    }
}
