package import CanonicalJSON

/// The progress of one request: whoever reports it, its numbers only ever grow.
package struct ProgressTicket: Hashable, Sendable {
    /// What the client knows the request's progress by: its own token.
    package let token: JSONValue
    /// What was reported last.
    private var last: Double?
    /// What the upstream reported last, in its own count.
    private var upstream: Double?

    /// The ticket of a request whose `_meta` has that token.
    package init(token: JSONValue) { self.token = token }

    /// The ticket that a request's parameters ask for; nil without a token that is a string or an integer.
    package init?(params: JSONObject) {
        guard let token = params["_meta"]?[MetaKey.progressToken], RequestID(token) != nil else { return nil }
        self.init(token: token)
    }

    /// The parameters of a `notifications/progress` of ours: one step further, with what is waited for.
    package mutating func next(message: String) -> JSONObject {
        let progress = grow(by: 1)
        return ["message": .string(message), "progress": Self.number(progress), MetaKey.progressToken: token]
    }

    /// An upstream's own parameters under the client's token, its count put after ours; nil if it did not grow.
    package mutating func passing(_ params: JSONObject) -> JSONObject? {
        guard let theirs = params["progress"]?.doubleValue else { return nil }
        let step: Double
        switch (last, upstream) {
        case (_, let before?): step = theirs - before
        // Where we have counted already, even an upstream's first zero is a step.
        case (_?, nil): step = theirs > 0 ? theirs : 1
        case (nil, nil): step = theirs
        }
        if last != nil || upstream != nil {
            guard step > 0 else { return nil }
        }
        upstream = theirs
        let before = last
        let progress = last == nil ? theirs : grow(by: step)
        last = progress
        guard before != progress, progress.isFinite else { return nil }
        var params = params
        params[MetaKey.progressToken] = token
        params["progress"] = Self.number(progress)
        if let total = params["total"]?.doubleValue {
            let rest = max(total - theirs, 0)
            params["total"] = (progress + rest).isFinite ? Self.number(progress + rest) : nil
        }
        return params
    }

    /// Steps on, by so much or as little more as makes a larger number.
    private mutating func grow(by step: Double) -> Double {
        guard let last else {
            last = step
            return step
        }
        let sum = last + step
        let grown = sum > last && sum.isFinite ? sum : min(last.nextUp, .greatestFiniteMagnitude)
        self.last = grown
        return grown
    }

    private static func number(_ value: Double) -> JSONValue {
        value.magnitude < 0x1p53 && Double(Int64(value)) == value ? .integer(Int64(value)) : .number(value)
    }
}
