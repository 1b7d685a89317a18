/// What the typechecker says of an expression in one environment.
struct Judgement {
    /// Its type, which some expressions have in spite of errors within them; nil where errors leave it unknown.
    var type: StaticType?
    /// Whether there is no error in it.
    var isSound: Bool
    /// What is certain to be there once the expression has been found true; empty unless it is sound.
    var capabilities: Set<Term.Capability> = []

    static func sound(_ type: StaticType) -> Judgement { Judgement(type: type, isSound: true) }

    static func unsound(_ type: StaticType?) -> Judgement { Judgement(type: type, isSound: false) }

    /// This judgement of an expression whose operands may not be sound.
    func given(_ operandsAreSound: Bool) -> Judgement {
        operandsAreSound ? self : .unsound(self.type)
    }

    /// Makes this, the judgement of something that may be true, the one of `this && right`, and empties the right one.
    ///
    /// The larger set of capabilities takes in the smaller, so that a long chain does not copy what it has gathered.
    mutating func conjoin(_ right: inout Judgement) {
        let type = Self.typeOfConjunction(self.type, right.type)
        if !self.isSound || !right.isSound || self.type == nil || right.type == nil {
            self = .unsound(type)
        } else if right.type == .bool(false) {
            self = .sound(type)
        } else if self.type == .bool(true) && right.type != .bool(true) {
            swap(&self, &right)
        } else {
            self.type = type
            if self.capabilities.count < right.capabilities.count { swap(&self.capabilities, &right.capabilities) }
            self.capabilities.formUnion(right.capabilities)
        }
        right.capabilities = []
    }

    private static func typeOfConjunction(_ left: StaticType?, _ right: StaticType?) -> StaticType {
        guard let left, let right else { return .anyBool }
        if right == .bool(false) { return right }
        if right == .bool(true) { return left }
        return left == .bool(true) ? right : .anyBool
    }

    /// `left || right`, when the left one may be false.
    static func disjunction(_ left: Judgement, _ right: Judgement) -> Judgement {
        guard let leftType = left.type, let rightType = right.type else { return .unsound(.anyBool) }
        let result: Judgement =
            switch (leftType, rightType) {
            case (_, .bool(true)): Judgement(type: rightType, isSound: true, capabilities: right.capabilities)
            case (_, .bool(false)): Judgement(type: leftType, isSound: true, capabilities: left.capabilities)
            case (.bool(false), _): Judgement(type: rightType, isSound: true, capabilities: right.capabilities)
            case (.bool, _), (.never, _), (.any, _), (.long, _), (.string, _), (.extension, _), (.entity, _), (.set, _),
                (.record, _):
                Judgement(
                    type: .anyBool,
                    isSound: true,
                    capabilities: left.capabilities.intersection(right.capabilities),
                )
            }
        return result.given(left.isSound && right.isSound)
    }
}
