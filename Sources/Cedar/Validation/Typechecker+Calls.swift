extension Typechecker {
    mutating func call(_ function: ExtensionFunction, _ arguments: [Term], at term: Term) -> Judgement {
        let isFit = self.checkArguments(function, arguments, at: term)
        var isSound = isFit
        for (argument, type) in zip(arguments, function.argumentTypes) where isFit {
            let type = type.map { StaticType.extension($0) } ?? .string
            let expected = self.index.text(type)
            let judgement = self.expect(argument, expected) { $0 == type }
            isSound = isSound && judgement.isSound
        }
        if !isFit { for argument in arguments { _ = self.judge(argument) } }
        return .sound(function.resultType).given(isSound)
    }

    /// Whether the arguments are as many as they must be and, for a function that reads text, a text that it can read.
    private mutating func checkArguments(
        _ function: ExtensionFunction,
        _ arguments: [Term],
        at term: Term,
    ) -> Bool {
        var isFit = true
        if arguments.count != function.argumentCount {
            self.findings.note(
                .wrongNumberArguments,
                "`\(function.rawValue)` takes \(Self.count(function)), not \(arguments.count)",
                at: term.expression,
            )
            isFit = false
        }
        guard function.isConstructor else { return isFit }
        if arguments.count == 1, case .string(let text) = arguments[0].literal {
            do {
                _ = try function.apply(to: [.string(text)])
            } catch {
                self.findings.note(
                    .functionArgumentValidation,
                    "\(CedarText.quoted(text.string)) is not \(function.valueName)",
                    hint: function.textHint,
                    at: term.expression,
                )
                isFit = false
            }
        }
        if self.mode == .strict && !arguments.allSatisfy({ $0.literal != nil }) {
            self.findings.note(
                .nonLitExtConstructor,
                "`\(function.rawValue)` takes a text that is written down, not one that is computed",
                hint: "let the entities or the context have the value itself",
                at: term.expression,
            )
            isFit = false
        }
        return isFit
    }

    private static func count(_ function: ExtensionFunction) -> String {
        function.argumentCount == 1 ? "1 argument" : "\(function.argumentCount) arguments"
    }
}

extension ExtensionFunction {
    fileprivate var resultType: StaticType {
        switch self {
        case .decimal: .extension(.decimal)
        case .ip: .extension(.ipaddr)
        case .datetime, .offset, .toDate: .extension(.datetime)
        case .duration, .durationSince, .toTime: .extension(.duration)
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isIpv4, .isIpv6, .isLoopback,
            .isMulticast, .isInRange:
            .anyBool
        case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: .long
        }
    }

    /// What a text that the function cannot read is not.
    fileprivate var valueName: String {
        switch self {
        case .ip: "an address or a range of addresses"
        case .datetime: "a datetime"
        case .duration: "a duration"
        case .decimal, .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isIpv4, .isIpv6, .isLoopback,
            .isMulticast, .isInRange, .offset, .durationSince, .toDate, .toTime, .toMilliseconds, .toSeconds,
            .toMinutes, .toHours, .toDays:
            "a decimal"
        }
    }

    /// What a text that the function can read looks like.
    fileprivate var textHint: String {
        switch self {
        case .ip: "for example `192.168.0.1`, `10.0.0.0/8` or `::1`"
        case .datetime: "for example `2026-01-31`, `2026-01-31T10:30:00Z` or `2026-01-31T10:30:00+0200`"
        case .duration: "for example `1d2h3m4s50ms` or `-90m`"
        case .decimal, .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isIpv4, .isIpv6, .isLoopback,
            .isMulticast, .isInRange, .offset, .durationSince, .toDate, .toTime, .toMilliseconds, .toSeconds,
            .toMinutes, .toHours, .toDays:
            "a sign, digits, a point and one to four digits: `1.0`, `-12.3456`"
        }
    }
}
