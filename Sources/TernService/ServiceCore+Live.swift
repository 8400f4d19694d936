internal import TernFindings
internal import TernPlatform

extension ServiceCore {
    /// The frame of a request.
    func frame(_ request: HTTPRequest, modality: StatedModality?) throws(Problem) -> LiveFrame {
        if isStopping { throw .stopping }
        return LiveFrame(content: .bytes(request.body, try kind(of: request)), modality: modality)
    }

    /// The answer to a frame: `tern.frame/1`, or the problem that it has.
    func answer(to answer: FrameDesk.Answer) -> HTTPReply {
        if let problem = answer.analysis.problem { return problem.reply() }
        let body = answer.analysis.result.frameJSON(number: answer.number, supersededCount: answer.supersededCount)
        return HTTPReply(status: 200, contentType: "application/json", body: body + [0x0A])
    }

    /// Live frames in `GET /v1/status`.
    func writeLive(_ live: LiveSnapshot, to text: inout JSONText) {
        text.key("live")
        text.beginObject()
        for (name, count) in live.counters.named { text.member(name, count) }
        text.member("refused", live.counters.refused)
        text.member("waiting", live.waitingCount)
        text.member("connections", live.connectionCount)
        text.member("connections_dropped", live.counters.dropped)
        text.endObject()
    }

    /// The live frames of `/metrics`.
    func write(_ live: LiveSnapshot, to text: inout MetricsText) {
        text.family("tern_live_frames_total", "counter", "Live frames, by what became of them.")
        for (name, count) in live.counters.named.dropFirst() { text.sample(count, labels: MetricsText.label("outcome", name)) }
        text.sample(live.counters.refused, labels: MetricsText.label("outcome", "refused"))
        text.single("tern_live_connections", "gauge", "Clients on the socket of frames.", live.connectionCount)
    }
}

extension LiveCounters {
    /// Frames that were taken, and the four ways in which they end.
    fileprivate var named: [(String, Int)] {
        [("received", received), ("analysed", analysed), ("superseded", superseded), ("late", late), ("abandoned", abandoned)]
    }
}

extension Problem {
    static var superseded: Problem { Problem(status: 409, code: "superseded", message: "a newer frame of the same source took its place") }

    static var deadlinePassed: Problem { Problem(status: 504, code: "deadline_passed", message: "there was no result before the deadline") }

    static var framesFull: Problem {
        Problem(status: 503, code: "frames_full", message: "too many sources wait for their frame's turn", retryAfterSeconds: 1)
    }

    static var tooManyConnections: Problem {
        Problem(status: 503, code: "too_many_connections", message: "the socket of frames has all the clients it takes", retryAfterSeconds: 1)
    }

    static var oneDescriptor: Problem {
        Problem(status: 400, code: "bad_descriptors", message: "exactly one descriptor comes with a message")
    }

    static var answerTooLong: Problem {
        Problem(status: 500, code: "answer_too_long", message: "the answer does not fit in one message; ask for the result by its id")
    }

    init(_ error: SealedMemoryError) {
        switch error {
        case .notSharedMemory:
            self.init(status: 400, code: "not_shared_memory", message: "the descriptor is no memfd of ordinary pages")
        case .notSealed:
            self.init(status: 400, code: "not_sealed", message: "the memfd lacks one of F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE")
        case .otherByteCount: self.init(status: 400, code: "wrong_byte_count", message: "the memfd has another number of bytes than the head says")
        case .unwrittenPages: self.init(status: 400, code: "unwritten_pages", message: "the memfd has pages that were never written")
        case .refused: self.init(status: 503, code: "not_mapped", message: "the system does not map the memfd", retryAfterSeconds: 1)
        }
    }
}
