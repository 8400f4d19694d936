internal import TernFindings
internal import TernPlatform

/// What a request asks for.
enum Route: Equatable {
    case postStudy(waits: Bool, selection: FrameSelection, modality: StatedModality?, deadlineMilliseconds: Int? = nil)
    case postFrame(source: Int?, modality: StatedModality?, deadlineMilliseconds: Int?)
    case findings(after: Int?, follows: Bool)
    case finding(StudyIdentifier)
    case events(after: Int?, follows: Bool)
    /// One map of a result over its picture; of the first label when none is named.
    case map(StudyIdentifier, label: [UInt8]?)
    case reviews(StudyIdentifier)
    case postReview(StudyIdentifier)
    case status
    case model
    case health
    case metrics

    /// Reads method and target (path and query as sent). Every part is checked: an unknown parameter is an error, not ignored.
    init(method: HTTPRequest.Method, target: String) throws(Problem) {
        let bytes = Array(target.utf8)
        let path: [UInt8]
        var query = Query()
        if let mark = bytes.firstIndex(of: 0x3F) {
            path = Array(bytes[..<mark])
            query = try Query(parsing: Array(bytes[(mark + 1)...]))
        } else {
            path = bytes
        }
        let route = try Self.route(path, method, &query)
        try query.finish()
        self = route
    }

    private static func route(_ path: [UInt8], _ method: HTTPRequest.Method, _ query: inout Query) throws(Problem) -> Route {
        if path.elementsEqual("/v1/studies".utf8) {
            try allow(.post, method)
            let waits = try query.flag("wait")
            let deadline = try query.deadline("deadline_ms")
            if deadline != nil, !waits { throw .badQuery("a deadline is for a client that waits, with wait=1") }
            return .postStudy(
                waits: waits, selection: try query.frames("frames"), modality: try query.modality("modality"), deadlineMilliseconds: deadline)
        }
        if path.elementsEqual("/v1/frames".utf8) {
            try allow(.post, method)
            return .postFrame(
                source: try query.number("source", is: "a source"), modality: try query.modality("modality"),
                deadlineMilliseconds: try query.deadline("deadline_ms"))
        }
        let findings = Array("/v1/findings".utf8)
        if path == findings {
            try allow(.get, method)
            return .findings(after: try query.number("after"), follows: try query.flag("follow"))
        }
        if path.starts(with: findings), path.count > findings.count, path[findings.count] == 0x2F {
            let review = Array("/review".utf8)
            if path.count == findings.count + 37 + review.count, path.suffix(review.count).elementsEqual(review) {
                guard let identifier = StudyIdentifier(Array(path.dropFirst(findings.count + 1).prefix(36))) else { throw .noSuchPath }
                if method == .post { return .postReview(identifier) }
                guard method == .get || method == .head else { throw .methodNotAllowed("GET, HEAD, POST") }
                return .reviews(identifier)
            }
            let map = Array("/map.jpg".utf8)
            if path.count == findings.count + 37 + map.count, path.suffix(map.count).elementsEqual(map) {
                guard let identifier = StudyIdentifier(Array(path.dropFirst(findings.count + 1).prefix(36))) else { throw .noSuchPath }
                try allow(.get, method)
                return .map(identifier, label: try query.text("label"))
            }
            guard let identifier = StudyIdentifier(Array(path[(findings.count + 1)...])) else { throw .noSuchPath }
            try allow(.get, method)
            return .finding(identifier)
        }
        if path.elementsEqual("/v1/events".utf8) {
            try allow(.get, method)
            return .events(after: try query.number("after"), follows: try query.flag("follow"))
        }
        let route: Route
        if path.elementsEqual("/v1/status".utf8) {
            route = .status
        } else if path.elementsEqual("/v1/model".utf8) {
            route = .model
        } else if path.elementsEqual("/healthz".utf8) {
            route = .health
        } else if path.elementsEqual("/metrics".utf8) {
            route = .metrics
        } else {
            throw .noSuchPath
        }
        try allow(.get, method)
        return route
    }

    private static func allow(_ allowed: HTTPRequest.Method, _ method: HTTPRequest.Method) throws(Problem) {
        guard method == allowed || allowed == .get && method == .head else { throw .methodNotAllowed(allowed == .post ? "POST" : "GET, HEAD") }
    }
}

/// The parameters of a request, each used once.
struct Query {
    private var pairs: [(name: [UInt8], value: [UInt8])] = []

    init() {}

    /// `name=value` pairs between `&`; nothing is percent-decoded, since only a colon may need it (`frames`).
    init(parsing text: [UInt8]) throws(Problem) {
        for part in text.split(separator: 0x26) {
            guard let mark = part.firstIndex(of: 0x3D) else { throw .badQuery("a parameter has no value") }
            let name = Array(part[..<mark])
            guard !pairs.contains(where: { $0.name == name }) else { throw .badQuery("a parameter occurs twice") }
            pairs.append((name, Array(part[(mark + 1)...])))
        }
    }

    private mutating func take(_ name: String) -> [UInt8]? {
        let wanted = Array(name.utf8)
        guard let index = pairs.firstIndex(where: { $0.name == wanted }) else { return nil }
        return pairs.remove(at: index).value
    }

    /// 1 is true, 0 or nothing is false.
    mutating func flag(_ name: String) throws(Problem) -> Bool {
        guard let value = take(name) else { return false }
        if value == [0x31] { return true }
        if value == [0x30] { return false }
        throw .badQuery("a flag is 0 or 1")
    }

    /// Decimal digits that fit in 63 bits.
    mutating func number(_ name: String, is what: String = "a sequence number") throws(Problem) -> Int? {
        guard let value = take(name) else { return nil }
        guard let number = Decimal.parse(value) else { throw .badQuery(what + " is digits alone") }
        return number
    }

    /// Milliseconds, at least one.
    mutating func deadline(_ name: String) throws(Problem) -> Int? {
        guard let number = try number(name, is: "a deadline") else { return nil }
        guard (1...FrameHead.limitDeadlineMilliseconds).contains(number) else {
            throw .badQuery("a deadline is 1 to \(FrameHead.limitDeadlineMilliseconds) milliseconds")
        }
        return number
    }

    /// Frames as `FrameSelection` reads them; all when there is no such parameter. A colon may come percent-encoded, as libraries send it.
    mutating func frames(_ name: String) throws(Problem) -> FrameSelection {
        guard var value = take(name) else { return .all }
        if value.count >= 3 {
            for index in (0..<(value.count - 2)).reversed() where value[index] == 0x25 && value[index + 1] == 0x33 && value[index + 2] | 0x20 == 0x61 {
                value.replaceSubrange(index..<(index + 3), with: [0x3A])
            }
        }
        guard let selection = FrameSelection(value) else { throw .badQuery("frames are FIRST, FIRST-LAST or FIRST-, with :STRIDE behind a range; the first frame is 1") }
        return selection
    }

    /// Any text but an empty one, percent-decoded (RFC 3986 2.1); a plus sign is a space, as forms and libraries write it.
    mutating func text(_ name: String) throws(Problem) -> [UInt8]? {
        guard let value = take(name) else { return nil }
        var text: [UInt8] = []
        var position = 0
        while position < value.count {
            if value[position] == 0x25 {
                guard position + 2 < value.count, let high = Self.digit(value[position + 1]), let low = Self.digit(value[position + 2]) else {
                    throw .badQuery("a percent sign is followed by two hexadecimal digits")
                }
                text.append(high << 4 | low)
                position += 3
            } else {
                text.append(value[position] == 0x2B ? 0x20 : value[position])
                position += 1
            }
        }
        guard !text.isEmpty else { throw .badQuery("a parameter has no value") }
        return text
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x37
        case 0x61...0x66: character - 0x57
        default: nil
        }
    }

    /// A modality as DICOM writes it.
    mutating func modality(_ name: String) throws(Problem) -> StatedModality? {
        guard let value = take(name) else { return nil }
        guard let modality = StatedModality(value) else { throw .badQuery("a modality is a term of DICOM: CR, DX, US, CT, MR ...") }
        return modality
    }

    /// Nothing may be left.
    func finish() throws(Problem) {
        if !pairs.isEmpty { throw .badQuery("the query has an unknown parameter") }
    }
}

/// Numbers in text.
enum Decimal {
    /// Nineteen digits, with zeros before the number: text sorts as the numbers do.
    @inline(never)
    static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits
    }

    /// One to nineteen digits that fit in 63 bits; nil for anything else.
    static func parse(_ digits: some Collection<UInt8>) -> Int? {
        guard (1...19).contains(digits.count) else { return nil }
        var number = 0
        for character in digits {
            guard (0x30...0x39).contains(character) else { return nil }
            let (tens, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflowedAgain) = tens.addingReportingOverflow(Int(character - 0x30))
            guard !overflowed, !overflowedAgain else { return nil }
            number = sum
        }
        return number
    }
}
