/// How a mail is handed to a server.
package struct SMTPTerms: Hashable, Sendable {
    /// How the connection is kept private.
    package enum Security: String, Hashable, Sendable, CaseIterable {
        /// TLS from the first byte.
        case tls
        /// TLS after `STARTTLS`; where the server does not offer it, nothing is sent.
        case startTLS = "starttls"
        /// None: for a server on this host.
        case none
    }

    /// Who signs in.
    package struct Credentials: Hashable, Sendable, CustomStringConvertible {
        let user: String
        let password: String

        /// Takes a name and a password.
        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }

        /// Nothing of either.
        package var description: String { "credentials" }
    }

    /// How the connection is kept private.
    package let security: Security
    /// Who signs in, only ever by TLS; `nil` for nobody.
    package let credentials: Credentials?
    /// What we call ourselves.
    package let greeting: String

    /// Sets terms.
    package init(security: Security, credentials: Credentials?, greeting: String) {
        self.security = security
        self.credentials = credentials
        self.greeting = greeting
    }
}

/// A mail in its envelope.
package struct SMTPLetter: Hashable, Sendable {
    /// Where what cannot be delivered is reported to.
    package let sender: MailAddress
    /// To whom.
    package let recipients: [MailAddress]
    /// The mail, with CRLF at the ends of lines.
    package let message: [UInt8]

    /// Puts a mail into an envelope.
    package init(sender: MailAddress, recipients: [MailAddress], message: [UInt8]) {
        self.sender = sender
        self.recipients = recipients
        self.message = message
    }

    /// As it follows `DATA`: no line of it is a dot alone (RFC 5321, section 4.5.2).
    var stuffed: [UInt8] {
        var stuffed: [UInt8] = []
        stuffed.reserveCapacity(message.count + 64)
        var isStart = true
        for byte in message {
            if isStart, byte == UInt8(ascii: ".") { stuffed.append(byte) }
            stuffed.append(byte)
            isStart = byte == UInt8(ascii: "\n")
        }
        return stuffed + Array((isStart ? ".\r\n" : "\r\n.\r\n").utf8)
    }
}

/// How it ended.
package enum SMTPEnding: Hashable, Sendable {
    /// The server has it for those who are not named here: some it refused for good, some for now.
    case sent(refused: [MailAddress], deferred: [MailAddress])
    /// Not now; either this mail, or any.
    case later(isServer: Bool, trouble: String)
    /// This mail never.
    case never(trouble: String)
}

/// The client's side of SMTP (RFC 5321, RFC 3207, RFC 4954), for one mail on one connection.
///
/// It sends a command only when the answer to the one before is there and nothing else is: what a stranger put onto the
/// connection before TLS began cannot be taken for the server's words after it.
package struct SMTPMachine: ~Copyable {
    /// What the shell is to do, in this order.
    package enum Action: Hashable, Sendable {
        /// Send bytes.
        case send([UInt8])
        /// Begin TLS; what is sent from here on goes through it.
        case startTLS
        /// It is over; send what was to be sent, and close.
        case finish(SMTPEnding)
    }

    private enum State {
        /// Connected. Next: hello.
        case greeting
        /// `EHLO` was sent. Next: startingTLS, an authentication, mail.
        case hello
        /// `STARTTLS` was sent. Next: hello.
        case startingTLS
        /// `AUTH` was sent, and these are to follow when the server asks. Next: mail.
        case authenticating([String])
        /// `MAIL` was sent. Next: recipient.
        case mail
        /// `RCPT` was sent for the recipient of this place. Next: recipient, data.
        case recipient(Int)
        /// `DATA` was sent. Next: content.
        case data
        /// The mail was sent. Next: over.
        case content
        /// Nothing more is said.
        case over

        var verb: String {
            switch self {
            case .greeting: "the connection"
            case .hello: "EHLO"
            case .startingTLS: "STARTTLS"
            case .authenticating: "AUTH"
            case .mail: "MAIL"
            case .recipient: "RCPT"
            case .data: "DATA"
            case .content: "the mail"
            case .over: "QUIT"
            }
        }
    }

    /// The most answers for which one mail waits: greeting, `EHLO` twice, `STARTTLS`, `AUTH` and what it asks for, `MAIL`,
    /// `RCPT` for each of a list, `DATA`, and the mail.
    package static let mostAnswers = 10 + MailAddress.maximumList

    private let letter: SMTPLetter
    private let terms: SMTPTerms
    private var state = State.greeting
    private var reader = SMTPReplyReader()
    private var isPrivate: Bool
    private var refused: [MailAddress] = []
    private var deferred: [MailAddress] = []

    /// Will hand over a mail, on a connection that is just made.
    package init(_ letter: SMTPLetter, _ terms: SMTPTerms) {
        self.letter = letter
        self.terms = terms
        isPrivate = terms.security == .tls
    }

    /// Bytes came.
    package mutating func received(_ bytes: some Sequence<UInt8>) -> [Action] {
        reader.append(bytes)
        switch reader.next() {
        case .more: return []
        case .broken: return give(up: "the server does not speak SMTP")
        case .reply(let reply):
            if case .over = state { return [] }
            // We never ask twice at once, so a second answer is somebody else's, or to something that we did not say.
            guard reader.isEmpty else { return give(up: "the server answered \(state.verb) twice") }
            return take(reply)
        }
    }

    /// The connection ended, or TLS failed.
    package mutating func closed(_ trouble: String?) -> [Action] {
        if case .over = state { return [] }
        defer { state = .over }
        let words = trouble ?? "the server closed the connection after \(state.verb)"
        return [.finish(.later(isServer: true, trouble: words))]
    }

    /// The server has not answered for too long.
    package mutating func timedOut() -> [Action] {
        if case .over = state { return [] }
        defer { state = .over }
        return [.finish(.later(isServer: true, trouble: "the server did not answer \(state.verb) in time"))]
    }

    private mutating func take(_ reply: SMTPReply) -> [Action] {
        // 421: the server goes away, whatever it was asked.
        if reply.code == 421 { return later(reply, isServer: true) }
        switch state {
        case .greeting:
            guard reply.code == 220 else { return later(reply, isServer: true) }
            return hello()
        case .hello:
            guard reply.code == 250 else { return later(reply, isServer: true) }
            return greeted(reply.offers)
        case .startingTLS:
            guard reply.code == 220 else { return later(reply, isServer: true) }
            isPrivate = true
            return [.startTLS] + hello()
        case .authenticating(let lines):
            switch (reply.code, lines.first) {
            case (235, _): return mail()
            case (334, let line?):
                state = .authenticating(Array(lines.dropFirst()))
                return [.send(Array("\(line)\r\n".utf8))]
            default: return later(reply, isServer: true)
            }
        case .mail:
            guard reply.kind == 2 else { return refusal(reply) }
            return recipient(0)
        case .recipient(let place):
            switch reply.kind {
            case 2: break
            // 552 is what some servers say when there are too many recipients (RFC 5321, section 4.5.3.1.10).
            case 4: deferred.append(letter.recipients[place])
            case _ where reply.code == 552: deferred.append(letter.recipients[place])
            case 5: refused.append(letter.recipients[place])
            default: return later(reply, isServer: true)
            }
            guard place + 1 == letter.recipients.count else { return recipient(place + 1) }
            guard refused.count + deferred.count < letter.recipients.count else { return refusal(reply) }
            return say("DATA", .data)
        case .data:
            guard reply.code == 354 else { return refusal(reply) }
            state = .content
            return [.send(letter.stuffed)]
        case .content:
            guard reply.kind == 2 else { return refusal(reply) }
            return finish(.sent(refused: refused, deferred: deferred))
        case .over: return []
        }
    }

    private mutating func hello() -> [Action] { say("EHLO \(terms.greeting)", .hello) }

    /// What the server offers is known; before TLS it may be anybody's words, and is asked again after it.
    private mutating func greeted(_ offers: [String: [String]]) -> [Action] {
        if terms.security == .startTLS, !isPrivate {
            guard offers["STARTTLS"] != nil else {
                return give(up: "the server does not offer STARTTLS, so nothing was sent")
            }
            return say("STARTTLS", .startingTLS)
        }
        guard let credentials = terms.credentials else { return mail() }
        guard isPrivate else { return give(up: "nobody signs in without TLS") }
        let (user, password) = (Array(credentials.user.utf8), Array(credentials.password.utf8))
        let manners = offers["AUTH"] ?? []
        if manners.contains("PLAIN") {
            return say("AUTH PLAIN \(Base64.encode([0] + user + [0] + password))", .authenticating([]))
        }
        guard manners.contains("LOGIN") else { return give(up: "the server offers neither AUTH PLAIN nor AUTH LOGIN") }
        return say("AUTH LOGIN", .authenticating([Base64.encode(user), Base64.encode(password)]))
    }

    private mutating func mail() -> [Action] { say("MAIL FROM:<\(letter.sender)>", .mail) }

    private mutating func recipient(_ place: Int) -> [Action] {
        guard letter.recipients.indices.contains(place) else { return finish(.never(trouble: "nobody to send to")) }
        return say("RCPT TO:<\(letter.recipients[place])>", .recipient(place))
    }

    private mutating func say(_ command: String, _ next: State) -> [Action] {
        state = next
        return [.send(Array("\(command)\r\n".utf8))]
    }

    /// A refusal of this mail: for now, or for good.
    ///
    /// That we are to sign in first is not the mail's fault.
    private mutating func refusal(_ reply: SMTPReply) -> [Action] {
        let isOurs = [530, 534, 535, 538].contains(reply.code)
        guard reply.kind == 5, !isOurs, deferred.isEmpty else { return later(reply, isServer: isOurs) }
        return finish(.never(trouble: words(reply)))
    }

    private mutating func later(_ reply: SMTPReply, isServer: Bool) -> [Action] {
        finish(.later(isServer: isServer, trouble: words(reply)))
    }

    private mutating func give(up trouble: String) -> [Action] {
        if case .over = state { return [] }
        state = .over
        return [.finish(.later(isServer: true, trouble: trouble))]
    }

    private mutating func finish(_ ending: SMTPEnding) -> [Action] {
        state = .over
        return [.send(Array("QUIT\r\n".utf8)), .finish(ending)]
    }

    private func words(_ reply: SMTPReply) -> String { "the server answered \(reply.code) to \(state.verb)" }
}
