extension ExtensionFunction {
    /// The function's result.
    package func apply(to arguments: [Value]) throws(EvaluationError) -> Value {
        switch arguments.count {
        case 1: return try self.apply(to: arguments[0])
        case 2: return try self.apply(to: arguments[0], arguments[1])
        default: throw .argumentCount(self, found: arguments.count)
        }
    }

    /// The function's result for one argument, or for two.
    func apply(to first: Value, _ argument: Value? = nil) throws(EvaluationError) -> Value {
        let found = argument == nil ? 1 : 2
        guard found == self.argumentCount else { throw .argumentCount(self, found: found) }
        let second = argument ?? first
        switch self {
        case .decimal: return .decimal(try self.parse(first, Decimal.init(parsing:)))
        case .ip: return .ip(try self.parse(first, IPAddress.init(parsing:)))
        case .datetime: return .datetime(try self.parse(first, Datetime.init(parsing:)))
        case .duration: return .duration(try self.parse(first, TimeSpan.init(parsing:)))
        case .lessThan: return .bool(try first.asDecimal() < second.asDecimal())
        case .lessThanOrEqual: return .bool(try first.asDecimal() <= second.asDecimal())
        case .greaterThan: return .bool(try first.asDecimal() > second.asDecimal())
        case .greaterThanOrEqual: return .bool(try first.asDecimal() >= second.asDecimal())
        case .isIpv4: return .bool(!(try first.asIPAddress().isVersion6))
        case .isIpv6: return .bool(try first.asIPAddress().isVersion6)
        case .isLoopback: return .bool(try first.asIPAddress().isLoopback)
        case .isMulticast: return .bool(try first.asIPAddress().isMulticast)
        case .isInRange: return .bool(try first.asIPAddress().isInRange(second.asIPAddress()))
        case .offset: return .datetime(try self.bounded(first.asDatetime().advanced(by: second.asDuration())))
        case .durationSince: return .duration(try self.bounded(first.asDatetime().since(second.asDatetime())))
        case .toDate: return .datetime(try self.bounded(first.asDatetime().startOfDay))
        case .toTime: return .duration(try first.asDatetime().timeOfDay)
        case .toMilliseconds: return .long(try first.asDuration().milliseconds)
        case .toSeconds: return .long(try first.asDuration().milliseconds / 1_000)
        case .toMinutes: return .long(try first.asDuration().milliseconds / 60_000)
        case .toHours: return .long(try first.asDuration().milliseconds / 3_600_000)
        case .toDays: return .long(try first.asDuration().milliseconds / TimeSpan.millisecondsInDay)
        }
    }

    private func parse<Parsed>(
        _ value: Value,
        _ parse: (CedarString) throws(ExtensionError) -> Parsed,
    ) throws(EvaluationError) -> Parsed {
        let text = try value.asString()
        do {
            return try parse(text)
        } catch {
            throw .function(self, error)
        }
    }

    private func bounded<Result>(_ result: Result?) throws(EvaluationError) -> Result {
        guard let result else { throw .function(self, ExtensionError("the result is beyond what can be counted")) }
        return result
    }
}

extension Value {
    func asBool() throws(EvaluationError) -> Bool {
        guard case .bool(let value) = self else { throw .type("bool", self) }
        return value
    }

    func asLong() throws(EvaluationError) -> Int64 {
        guard case .long(let value) = self else { throw .type("long", self) }
        return value
    }

    func asString() throws(EvaluationError) -> CedarString {
        guard case .string(let value) = self else { throw .type("string", self) }
        return value
    }

    func asEntity() throws(EvaluationError) -> EntityUID {
        guard case .entity(let value) = self else { throw .type("entity", self) }
        return value
    }

    func asSet() throws(EvaluationError) -> ValueSet {
        guard case .set(let value) = self else { throw .type("set", self) }
        return value
    }

    func asDecimal() throws(EvaluationError) -> Decimal {
        guard case .decimal(let value) = self else { throw .type("decimal", self) }
        return value
    }

    func asIPAddress() throws(EvaluationError) -> IPAddress {
        guard case .ip(let value) = self else { throw .type("ipaddr", self) }
        return value
    }

    func asDatetime() throws(EvaluationError) -> Datetime {
        guard case .datetime(let value) = self else { throw .type("datetime", self) }
        return value
    }

    func asDuration() throws(EvaluationError) -> TimeSpan {
        guard case .duration(let value) = self else { throw .type("duration", self) }
        return value
    }
}
