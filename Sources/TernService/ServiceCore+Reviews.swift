internal import TernAudit
internal import TernFindings
internal import TernPlatform

extension ServiceCore {
    /// `POST /v1/findings/ID/review`: what is to be stored, when the result can be seen and the body is a review of it.
    func review(_ request: HTTPRequest, _ identifier: StudyIdentifier) throws(Problem) -> Answer {
        if isStopping { throw .stopping }
        let line = try reviewed(identifier)
        guard isJSON(request.contentType) else { throw .notJSON }
        let body: ReviewRequest
        do throws(ReviewError) { body = try ReviewRequest(parsing: request.body) } catch { throw .badReview(error) }
        var review = AuditedReview()
        guard let sequence = line.sequence else { throw .internalFailure }
        if let label = body.label, !line.names(label: label) { throw .noSuchLabel }
        review.identifier = identifier.text
        review.sequence = sequence
        review.decision = body.decision
        review.label = body.label
        review.call = body.call
        review.origin = AuditOrigin(.socket, user: request.peerUser, process: request.peerProcess)
        return .review(review, note: body.note)
    }

    /// `GET` of the same.
    func reviews(of identifier: StudyIdentifier) throws(Problem) -> HTTPReply {
        _ = try reviewed(identifier)
        return document(reviewRing.document(of: identifier))
    }

    /// The line of a result that can be seen.
    private func reviewed(_ identifier: StudyIdentifier) throws(Problem) -> [UInt8] {
        if let line = ring.line(of: identifier) { return line }
        throw pending[identifier] == nil ? .noSuchFinding : .noResultYet
    }

    private func isJSON(_ contentType: String?) -> Bool {
        let name = (contentType ?? "").utf8.prefix { $0 != 0x3B && $0 != 0x20 }
        return name.elementsEqual("application/json".utf8)
    }

    /// A review is on the disk, or could not be written.
    mutating func reviewed(_ entry: ReviewFile.Entry?, errno: Int32, _ user: Int?) -> HTTPReply {
        guard let entry else {
            let problem = Self.isFull(errno) ? Problem.diskFull : .reviewNotStored
            return refused(problem, user)
        }
        reviewRing.append(entry)
        return HTTPReply(status: 201, contentType: "application/json", body: entry.line)
    }
}

extension [UInt8] {
    /// The sequence number of a result's line.
    fileprivate var sequence: Int? {
        Decimal.parse(dropFirst(FindingResult.linePrefix.utf8.count).prefix { (0x30...0x39).contains($0) })
    }

    /// Whether a result has a finding of this label: a key with its quotation marks stands in no string.
    fileprivate func names(label: String) -> Bool {
        var text = JSONText()
        text.member("label", label)
        let wanted = text.utf8
        return indices.contains { self[$0] == 0x22 && self[$0...].starts(with: wanted) }
    }
}

extension Problem {
    static var notJSON: Problem { Problem(status: 415, code: "unknown_kind", message: "Content-Type is not application/json") }

    static var noResultYet: Problem {
        Problem(status: 409, code: "no_result_yet", message: "the study has no result yet", retryAfterSeconds: 1)
    }

    static var noSuchLabel: Problem { Problem(status: 422, code: "no_such_label", message: "the result has no finding of this label") }

    static var reviewNotStored: Problem {
        Problem(status: 500, code: "not_stored", message: "the review could not be written to disk, so it is not taken")
    }

    static var tooManyReviews: Problem {
        Problem(status: 503, code: "too_many_reviews", message: "too many reviews wait to be written", retryAfterSeconds: 1)
    }

    static func badReview(_ error: ReviewError) -> Problem {
        if case .tooLong(let limit) = error { return bodyTooLarge(limit: limit) }
        let message =
            switch error {
            case .saysNothing: "an amendment has a call or a note"
            case .badValue(.call): "a call is positive, negative or review, and belongs to an amendment of a label"
            case .badValue(.label): "a label has 1 to 256 bytes"
            case .badValue(.note): "a note has 1 to \(ReviewRequest.limitNoteByteCount) bytes"
            default: "the body is a JSON object of texts: decision (accept, reject, amend), and label, call (positive, negative, review) and note"
            }
        return Problem(status: 400, code: "bad_review", message: message)
    }
}
