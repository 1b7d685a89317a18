import ArgumentParser
import CanonicalJSON
import Cedar
import CountersignCore
import CountersignServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The exit codes that scripts may rely on.
enum ExitStatus: Int32, Sendable {
    case done = 0
    case failed = 1
    case usage = 2
    case unreachable = 3
    case notFound = 4
    case notAllowed = 5
    case conflict = 6
    case held = 7
}

/// Why a command did not do what it was asked for: a message for people and a code for scripts.
struct Failure: Error {
    let status: ExitStatus
    let message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Prints what is wrong and ends the process.
    static func exit(with error: any Error) -> Never {
        let failure: Failure
        switch error {
        case let known as Failure: failure = known
        case let error as StartupError: failure = Failure(.usage, error.description)
        case let error as PolicyErrors: failure = Failure(.usage, "the policies have errors:\n\(error)")
        case let error as ConfigurationErrors: failure = Failure(.usage, error.description)
        case let error as LedgerError: failure = Failure(.failed, error.message)
        case let error as UnreachableError: failure = Failure(.unreachable, error.description)
        case let error as ReceiptError: failure = Failure(.notFound, "the receipt does not verify: \(error)")
        case let error as Reason: failure = Failure(of: error)
        case let code as ExitCode where code.rawValue < 8: Self.end(code.rawValue)
        default:
            // Help and version are errors of the argument parser that are none.
            let code = CountersignCommand.exitCode(for: error)
            if code == .success {
                Output.line(CountersignCommand.fullMessage(for: error))
                Self.end(ExitStatus.done.rawValue)
            }
            let isUsage = code == .validationFailure
            let message = isUsage ? CountersignCommand.fullMessage(for: error) : "error: \(error)"
            Output.error(message)
            Self.end((isUsage ? ExitStatus.usage : .failed).rawValue)
        }
        if !failure.message.isEmpty { Output.error("error: \(failure.message)") }
        Self.end(failure.status.rawValue)
    }

    /// What a refusal of the domain means for the exit code.
    init(of reason: Reason) {
        switch reason.code {
        case .notFound: self.init(.notFound, reason.message)
        case .notAllowed, .unauthenticated, .invalidCredential, .selfApproval, .notAnApprover, .accountUnknown,
            .accountRefused, .pageRequired, .signatureInvalid, .callbackReplayed, .callbackLate:
            self.init(.notAllowed, reason.message)
        case .alreadyDecided, .alreadyErased, .wrongState, .grantUsed: self.init(.conflict, reason.message)
        case .noPermit, .forbidden, .policyError, .approvalRequired, .approvalDenied, .approvalExpired,
            .approvalWithdrawn, .approvalRevoked, .grantLapsed, .digestMismatch, .policyChanged, .tooManyPending,
            .ledgerUnavailable, .checkpointUnavailable, .clockUnreliable, .upstreamUnavailable, .upstreamTimeout,
            .upstreamInvalid,
            .unknownConnection, .ambiguousRequest, .methodOverride, .methodRefused, .ambiguousBody, .bodyTooLarge,
            .badRequest, .idempotencyConflict, .statementUnknown, .resultGone, .outcomeUnknown, .tooManyComments,
            .connectionChanged, .overloaded, .shuttingDown, .toolNotAccepted, .channelUnavailable, .effectMismatch:
            self.init(.failed, reason.message)
        }
    }

    /// What an answer of the API that is not a success means.
    init(of answer: ControlAnswer) {
        let problem = answer.json
        let code = problem?["code"]?.stringValue.map { " (\($0))" } ?? ""
        let message = (problem?["detail"]?.stringValue ?? "the server answered \(answer.status)") + code
        switch answer.status {
        case 400, 422: self.init(.usage, message)
        case 401, 403: self.init(.notAllowed, message)
        case 404: self.init(.notFound, message)
        case 409: self.init(.conflict, message)
        default: self.init(.failed, message)
        }
    }

    private static func end(_ code: Int32) -> Never {
        #if canImport(Glibc)
            Glibc.exit(code)
        #elseif canImport(Musl)
            Musl.exit(code)
        #else
            Darwin.exit(code)
        #endif
    }
}
