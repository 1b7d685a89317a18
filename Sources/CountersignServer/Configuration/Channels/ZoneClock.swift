import CountersignCore
import Foundation

/// What the clocks of a time zone show, by the machine's own table of zones.
struct ZoneClock: LocalTime {
    private let zone: TimeZone

    /// The zone of this name, `Europe/Berlin`; `nil` if the machine knows none.
    init?(_ name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.zone = zone
    }

    /// How far ahead of UTC its clocks are at a moment.
    func secondsFromUTC(at time: Timestamp) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.microseconds) / 1_000_000)))
    }
}
