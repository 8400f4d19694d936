public import TernFindings
public import TernPlatform

/// A request that is not done as asked: an HTTP status, a code for programs and a sentence for people.
public struct Problem: Error, Equatable, Sendable {
    public var status: Int
    public var code: String
    public var message: String
    /// Seconds after which to ask again.
    public var retryAfterSeconds: Int?
    /// The methods the path has, with 405.
    public var allow: String?
    /// The coded reason of a result that did not succeed.
    public var reason: CodedTerm?
    /// Numbers that belong to the problem, in order: (`oldest`, 17).
    public var numbers: [Number] = []

    /// A named number.
    public struct Number: Equatable, Sendable {
        public var name: String
        public var value: Int
        public init(name: String, value: Int) {
            self.name = name
            self.value = value
        }
    }

    public init(status: Int, code: String, message: String, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The answer, `application/problem+json` with members `status`, `code`, `message`; `id` when there is a study, `sequence` when it has a result.
    public func reply(identifier: StudyIdentifier? = nil, sequence: Int? = nil) -> HTTPReply {
        var text = JSONText()
        text.beginObject()
        text.member("status", status)
        text.member("code", code)
        text.member("message", message)
        for number in numbers { text.member(number.name, number.value) }
        if let reason {
            text.key("reason")
            text.value(reason)
        }
        if let identifier { text.member("id", identifier.text) }
        if let sequence { text.member("sequence", sequence) }
        text.endObject()
        return HTTPReply(
            status: status, contentType: "application/problem+json", body: text.utf8 + [0x0A], retryAfterSeconds: retryAfterSeconds, allow: allow)
    }
}

extension Problem {
    static var noSuchPath: Problem { Problem(status: 404, code: "no_such_path", message: "there is nothing at this path") }

    static var userNotAllowed: Problem {
        Problem(status: 403, code: "user_not_allowed", message: "this user may read here and nothing else")
    }

    static func methodNotAllowed(_ allowed: String) -> Problem {
        var problem = Problem(status: 405, code: "method_not_allowed", message: "the methods of this path: \(allowed)")
        problem.allow = allowed
        return problem
    }

    static func badQuery(_ message: String) -> Problem { Problem(status: 400, code: "bad_query", message: message) }

    static var emptyBody: Problem { Problem(status: 400, code: "empty_input", message: "the body is empty") }

    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(status: 413, code: "body_too_large", message: "the body has more than \(limit) bytes")
    }

    static var unknownKind: Problem {
        Problem(
            status: 415, code: "unknown_kind", message: "Content-Type is not one of application/dicom, application/nifti, image/jpeg, image/png")
    }

    static var kindMismatch: Problem {
        Problem(status: 415, code: "kind_mismatch", message: "the body does not begin like what Content-Type says it is")
    }

    static var queueFull: Problem {
        Problem(status: 503, code: "queue_full", message: "the queue is full", retryAfterSeconds: 1)
    }

    static var tooManyStreams: Problem {
        Problem(status: 503, code: "too_many_streams", message: "too many clients follow the findings", retryAfterSeconds: 5)
    }

    static var tooManySearches: Problem {
        Problem(status: 503, code: "too_many_searches", message: "too many old results are being looked for", retryAfterSeconds: 1)
    }

    static var stopping: Problem { Problem(status: 503, code: "stopping", message: "the server is stopping", retryAfterSeconds: 5) }

    /// For who waits for an accepted study: it is not to be sent again, so that no time is named for that.
    static var stoppingBeforeResult: Problem {
        Problem(status: 503, code: "stopping", message: "the server is stopping; the study stays accepted, ask for its result under this id")
    }

    static var diskFull: Problem {
        Problem(status: 507, code: "disk_full", message: "the state directory has no room for the study or its result", retryAfterSeconds: 60)
    }

    static var resultDelayed: Problem {
        Problem(status: 504, code: "result_delayed", message: "the result waits for room on the disk; the study stays accepted")
    }

    static var notRecorded: Problem {
        Problem(status: 500, code: "not_recorded", message: "the result could not be written to disk, so it is not given out")
    }

    static var notStored: Problem {
        Problem(status: 500, code: "not_stored", message: "the study could not be written to disk, so it is not accepted")
    }

    static var notReadBack: Problem {
        Problem(status: 500, code: "not_read_back", message: "the results on the disk could not be read")
    }

    static var noSuchFinding: Problem {
        Problem(status: 404, code: "no_such_finding", message: "no result with this id is kept")
    }

    static func findingsGone(oldest: Int, newest: Int) -> Problem {
        var problem = Problem(
            status: 410, code: "findings_gone",
            message: "results right after this number are no longer kept; ask with the number before the oldest that is")
        problem.numbers = [Number(name: "oldest", value: oldest), Number(name: "newest", value: newest)]
        return problem
    }

    static func sequenceAhead(newest: Int) -> Problem {
        var problem = Problem(status: 400, code: "sequence_ahead", message: "no result has this number yet; is it from another state directory?")
        problem.numbers = [Number(name: "newest", value: newest)]
        return problem
    }

    static func eventAhead(newest: Int) -> Problem {
        var problem = Problem(
            status: 400, code: "sequence_ahead", message: "no event of this run has this number yet; is it of an earlier run? then ask without it")
        problem.numbers = [Number(name: "newest", value: newest)]
        return problem
    }

    static var internalFailure: Problem { Problem(status: 500, code: "internal", message: "the server failed") }
}
