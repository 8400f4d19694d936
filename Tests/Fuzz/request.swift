// fuzz-targets: TernService
// fuzz-options: -max_len=2048 -malloc_limit_mb=64
import Glibc
import TernFindings
import TernPlatform
@testable import TernService

/// Any requests, in any order and surroundings, get an answer of the contract; what the service counts stays consistent.
///
/// The input is a script: a byte of choices and one of surroundings, target and content type as lines, a byte of body length, the body.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var script = Script(bytes: Array(UnsafeBufferPointer(start: start, count: count)))
    guard var core = newCore() else { preconditionFailure("the service core was not made") }
    var pending: [(study: Study, sequence: Int)] = []
    while let choices = script.next(), let surroundings = script.next() {
        let request = script.request(choices)
        check(request)
        let before = core.pending.count
        switch core.answer(request, around(surroundings)) {
        case .reply(let reply): check(reply)
        case .study(let study, _):
            precondition(!core.isStopping && study.bytes == request.body && !study.bytes.isEmpty && study.bytes.count <= core.limits.http.bodyByteCount)
            precondition(before <= core.limits.queueCount && core.pendingByteCount + study.bytes.count <= core.limits.queueByteCount)
            core.queued(study)
            pending.append((study, 0))
            precondition(core.pending.count == before + 1)
        case .stream(let after, let until):
            precondition((0...core.lastSequence).contains(after) && (until ?? core.lastSequence) <= core.lastSequence)
            if let page = core.ring.page(after: after, until: until ?? .max, byteCount: core.limits.pageByteCount) { precondition(page.last > after) }
        default: break
        }
        if choices & 0x08 != 0, !pending.isEmpty { finish(pending.removeFirst().study, &core, surroundings) }
        if choices & 0xF0 == 0xF0 { core.isStopping = true }
        precondition(core.pendingByteCount >= 0 && core.pending.isEmpty == (core.pendingByteCount == 0))
    }
    return 0
}

/// Reads the input from its front.
private struct Script {
    let bytes: [UInt8]
    var place = 0

    mutating func next() -> UInt8? {
        guard place < bytes.count else { return nil }
        place += 1
        return bytes[place - 1]
    }

    /// Bytes up to a line's end.
    mutating func line() -> [UInt8] {
        let end = bytes[place...].firstIndex(of: 0x0A) ?? bytes.count
        defer { place = min(end + 1, bytes.count) }
        return Array(bytes[place..<end])
    }

    mutating func request(_ choices: UInt8) -> HTTPRequest {
        let methods: [HTTPRequest.Method] = [.get, .post, .head, .other]
        let target = String(decoding: line(), as: UTF8.self)
        let type = line()
        let byteCount = min(Int(next() ?? 0), bytes.count - place)
        defer { place += byteCount }
        return HTTPRequest(
            method: methods[Int(choices & 3)], target: target, contentType: type.isEmpty ? nil : String(decoding: type, as: UTF8.self),
            body: Array(bytes[place..<(place + byteCount)]))
    }
}

private func check(_ request: HTTPRequest) {
    let first = try? Route(method: request.method, target: request.target)
    let second = try? Route(method: request.method, target: request.target)
    precondition(first == second)
}

private func check(_ reply: HTTPReply) {
    let known = [200, 202, 400, 403, 404, 405, 409, 410, 413, 415, 422, 500, 503, 504, 507]
    precondition(known.contains(reply.status) && !reply.body.isEmpty && reply.body.last == 0x0A)
    precondition(reply.status < 400 || reply.contentType == "application/problem+json" || reply.contentType == "text/plain")
    precondition(reply.status != 405 || reply.allow != nil)
    // Who waited for an accepted study has its identifier, and is not to send it again.
    let isAccepted = reply.body.starts(with: Array("{\"status\":503,\"code\":\"stopping\"".utf8))
    precondition(reply.status != 503 && reply.status != 507 || reply.retryAfterSeconds != nil || reply.contentType == "text/plain" || isAccepted)
    guard reply.contentType != "text/plain", reply.contentType != "text/plain; version=0.0.4" else { return }
    // One object on one line: nothing of a request gets out of its string.
    precondition(reply.body.first == 0x7B && reply.body.dropLast().last == 0x7D && !reply.body.dropLast().contains { $0 < 0x20 })
}

private func around(_ byte: UInt8) -> ServiceCore.Surroundings {
    var around = ServiceCore.Surroundings()
    around.waitingCount = Int(byte & 7)
    around.streamCount = byte & 8 == 0 ? 0 : 16
    around.freeByteCount = byte & 16 == 0 ? nil : byte & 32 == 0 ? 0 : 1 << 40
    around.isBlocked = byte & 64 != 0
    around.now = UInt64(byte) << 32
    return around
}

/// A study comes to one of its ends.
private func finish(_ study: Study, _ core: inout ServiceCore, _ choice: UInt8) {
    switch choice & 3 {
    case 0: check(core.notStored(study, errno: choice & 128 == 0 ? 28 : 5))
    case 1: check(core.finished(study.identifier, .notRecorded(errno: choice & 128 == 0 ? 28 : 5)))
    case 2: check(core.finished(study.identifier, .kept))
    default:
        var result = FindingResult(
            sequence: core.lastSequence + 1, id: study.identifier.text, time: "2026-01-31T12:34:56.789Z", model: model,
            input: InputReference(kind: study.kind, sha256: nil), status: .failed, reason: ServiceCore.damagedReason)
        result.sequence = core.lastSequence + 1
        check(core.finished(study.identifier, .recorded(Analysis(result: result, problem: nil), line: result.line(), fileByteCount: 1)))
        precondition(core.lastSequence == result.sequence && core.ring.line(of: study.identifier) != nil)
    }
}

private let model = ModelReference(name: "m", version: "1", digest: String(repeating: "0", count: 64), keyIdentifier: nil)

/// An empty state directory of this process.
nonisolated(unsafe) private let directory: StateDirectory? = try? StateDirectory(path: "/tmp/tern-fuzz-request-\(getpid())")
nonisolated(unsafe) private let file: FindingsFile? = directory.flatMap { try? FindingsFile(directory: $0) }

private func newCore() -> ServiceCore? {
    guard let file, let events = try? ServiceEvents(say: { _, _ in }) else { return nil }
    var limits = ServiceLimits()
    limits.queueCount = 3
    limits.http.bodyByteCount = 200
    limits.queueByteCount = 500
    limits.resultCount = 2
    let identity = ServiceIdentity(
        version: "0", model: model, instructionSet: "scalar", threadCount: 1, arenaByteCount: 0, goldenVectorCount: 1, modelDocument: Array("{}".utf8))
    return ServiceCore(
        identity: identity, limits: limits, file: file, read: ReadResults(), events: events, startedAt: 0,
        recognise: { $0.first == 0x89 ? .png : $0.first == 0xFF ? .jpeg : nil })
}

private let seeds = [
    "\u{1}\0/v1/studies?wait=1&frames=1-40:2&modality=MR\nimage/png\n\u{4}\u{7F}ABC", "\0\0/v1/findings?after=0&follow=1\n\n\0", "\0\0/v1/status\n\n\0",
    "\u{2}\u{8}/v1/findings/00000000-0000-4000-8000-000000000000\n\n\0", "\0\0/v1/events?after=1&follow=0\n\n\0", "\0\0/metrics\n\n\0\u{3}@/healthz\n\n\0",
    "\u{1}\0/v1/findings/00000000-0000-4000-8000-000000000000/review\napplication/json\n\u{15}{\"decision\":\"accept\"}", "\0\0/v1/model\n\n\0", "\u{9}\u{3}/v1/studies?frames=1-\napplication/dicom; a=b\n\0",
]

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    guard let folder = getenv("TERN_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
    for (index, seed) in seeds.enumerated() {
        // A study begins as the harness recognises PNG.
        let bytes = seed.utf8.map { $0 == 0x7F ? 0x89 : $0 }
        guard let file = fopen("\(folder)/seed-\(index)", "w") else { exit(1) }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
    exit(0)
}
