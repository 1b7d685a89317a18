import CountersignCore
import HTTPTypes
import TransparencyLog

/// The log itself: how far it is signed, published, cosigned and exported.
enum LogRoom {
    /// The endpoints.
    static let endpoints = [Endpoint(page: .get, "/log", .user, run: show)]

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let dependencies = exchange.parts.dependencies
        let page = LogPage(dependencies.logStatus(), key: dependencies.log.verifierKey, now: exchange.now)
        return try exchange.page("log", "Log", page, room: .log)
    }
}

/// The page of the log.
struct LogPage {
    /// How many entries there are.
    let size: Markup
    /// `all signed`, or how many are not.
    let signed: Pill
    /// Why the log is not signed; empty if it is.
    let trouble: Markup
    /// The newest checkpoint.
    let checkpoint: CheckpointView?
    /// The verifier key.
    let key: Markup
    /// The published folder.
    let folder: FolderView?
    /// The witnesses.
    let witnesses: [FollowerView]
    /// Whether there is none.
    let hasNoWitnesses: Bool
    /// The exports.
    let exports: [FollowerView]
    /// Whether there is none.
    let hasNoExports: Bool

    /// Describes the log's status.
    init(_ status: LogStatus, key: String, now: Timestamp) {
        size = Markup(String(status.size))
        signed =
            status.trouble != nil
            ? Pill("not signed", tone: "bad") : Pill(lag: status.unsigned, none: "all signed", some: "being signed")
        trouble = status.trouble.map { VisibleText.line($0) } ?? .none
        checkpoint = status.newest.map { CheckpointView($0, now: now) }
        self.key = Markup(key)
        folder = status.folder.map { FolderView($0, of: status.newest?.size ?? 0) }
        witnesses = status.witnesses.map { FollowerView($0, now: now) }
        hasNoWitnesses = witnesses.isEmpty
        exports = status.exports.map { FollowerView($0) }
        hasNoExports = exports.isEmpty
    }
}

/// A checkpoint.
struct CheckpointView {
    /// How many entries it covers.
    let size: Markup
    /// Its root, base64.
    let root: Markup
    /// When it was signed.
    let time: Moment

    /// Describes a checkpoint.
    init(_ head: SignedHead, now: Timestamp) {
        size = Markup(String(head.size))
        root = Markup(head.root.base64)
        time = Moment(head.time, now: now)
    }
}

/// The published folder.
struct FolderView {
    /// Where it is.
    let path: Markup
    /// How far it is behind.
    let state: Pill
    /// Why it cannot be written; empty if it can.
    let error: Markup

    /// Describes a folder of a log that is signed up to `size`.
    init(_ folder: LogStatus.Folder, of size: UInt64) {
        path = VisibleText.line(folder.path)
        let lag = size - min(size, folder.size ?? 0)
        state = folder.error != nil ? Pill("failing", tone: "bad") : Pill(lag: lag, none: "up to date", some: "behind")
        error = folder.error.map { VisibleText.line($0) } ?? .none
    }
}

/// A witness or an export: somebody who follows the log.
struct FollowerView {
    /// Its name.
    let name: Markup
    /// The host of a witness, the kind of an export.
    let place: Markup
    /// How many entries it has.
    let size: Markup
    /// How far it is behind.
    let state: Pill
    /// When a witness cosigned last.
    let time: Moment?
    /// Why the latest try failed; empty if it did not.
    let error: Markup

    /// Describes a witness.
    init(_ witness: LogStatus.Witness, now: Timestamp) {
        name = VisibleText.line(witness.name)
        place = VisibleText.line(witness.host)
        size = Markup(witness.size.map { String($0) } ?? "none")
        state =
            witness.error != nil
            ? Pill("failing", tone: "bad") : Pill(lag: witness.lag, none: "up to date", some: "behind")
        time = witness.time.map { Moment($0, now: now) }
        error = witness.error.map { VisibleText.line($0) } ?? .none
    }

    /// Describes an export.
    init(_ export: ExportStatus) {
        name = VisibleText.line(export.name)
        place = VisibleText.line(export.destination)
        size = Markup(String(export.delivered))
        state =
            export.problem != nil
            ? Pill("failing", tone: "bad") : Pill(lag: export.lagEntries, none: "up to date", some: "behind")
        time = nil
        error = export.problem.map { VisibleText.line($0) } ?? .none
    }
}
