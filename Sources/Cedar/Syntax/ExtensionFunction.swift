/// A function or method of Cedar's extension types.
package enum ExtensionFunction: String, Hashable, Sendable, CaseIterable {
    /// Makes a decimal from text.
    case decimal
    /// Makes an address or a range from text.
    case ip
    /// Makes a moment from text.
    case datetime
    /// Makes a length of time from text.
    case duration
    /// `decimal < decimal`.
    case lessThan
    /// `decimal <= decimal`.
    case lessThanOrEqual
    /// `decimal > decimal`.
    case greaterThan
    /// `decimal >= decimal`.
    case greaterThanOrEqual
    /// Whether an address is of version 4.
    case isIpv4
    /// Whether an address is of version 6.
    case isIpv6
    /// Whether a range is within the loopback range.
    case isLoopback
    /// Whether a range is within the multicast range.
    case isMulticast
    /// Whether a range is within another.
    case isInRange
    /// A moment that much later.
    case offset
    /// The time from the argument to the receiver.
    case durationSince
    /// The start of a moment's day.
    case toDate
    /// The time since the start of a moment's day.
    case toTime
    /// A length of time in whole milliseconds.
    case toMilliseconds
    /// A length of time in whole seconds.
    case toSeconds
    /// A length of time in whole minutes.
    case toMinutes
    /// A length of time in whole hours.
    case toHours
    /// A length of time in whole days.
    case toDays

    /// Whether it makes a value from text and is written `name("…")`; the others are methods.
    package var isConstructor: Bool {
        switch self {
        case .decimal, .ip, .datetime, .duration: true
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isIpv4, .isIpv6, .isLoopback,
            .isMulticast, .isInRange, .offset, .durationSince, .toDate, .toTime, .toMilliseconds, .toSeconds,
            .toMinutes, .toHours, .toDays:
            false
        }
    }

    /// The number of arguments, the receiver included.
    package var argumentCount: Int {
        switch self {
        case .decimal, .ip, .datetime, .duration, .isIpv4, .isIpv6, .isLoopback, .isMulticast, .toDate, .toTime,
            .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays:
            1
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isInRange, .offset, .durationSince: 2
        }
    }

    /// The extension types of the arguments, the receiver's first; nil stands for a text.
    var argumentTypes: [ExtensionType?] {
        switch self {
        case .decimal, .ip, .datetime, .duration: [nil]
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual: [.decimal, .decimal]
        case .isIpv4, .isIpv6, .isLoopback, .isMulticast: [.ipaddr]
        case .isInRange: [.ipaddr, .ipaddr]
        case .offset: [.datetime, .duration]
        case .durationSince: [.datetime, .datetime]
        case .toDate, .toTime: [.datetime]
        case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: [.duration]
        }
    }
}
