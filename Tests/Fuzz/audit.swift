// fuzz-targets: TernAudit
// fuzz-options: -max_len=20000
import TernAudit
import TernFindings

/// Any bytes are a review or an error, a record or none, a result that can be recorded or none. What is read is within its limits, and a chain that
/// takes any lines goes on counting.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let review = try? ReviewRequest(parsing: bytes) { check(review) }
    // The same as the note of an object that is whole.
    if let review = try? ReviewRequest(parsing: Array("{\"decision\":\"accept\",\"note\":\"".utf8) + bytes + Array("\"}".utf8)) { check(review) }
    var chain = AuditChain()
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
        let before = chain.number
        let (record, findings) = chain.take(line)
        precondition(record != nil || !findings.isEmpty)
        precondition(chain.number >= before && chain.hash.count == 64)
    }
    // Behind a beginning that is right, so that the walk through a result is reached.
    let prefix = Array(FindingResult.linePrefix.utf8) + Array("1,\"id\":\"x\",\"model\":{\"digest\":null},\"input\":{\"kind\":".utf8)
    _ = AuditedResult(line: bytes, request: nil, operatingPoint: nil)
    _ = AuditedResult(line: prefix + bytes, request: nil, operatingPoint: nil)
    _ = AuditHead(parsing: bytes)
    _ = AuditSegmentName(String(decoding: bytes, as: UTF8.self))
    return 0
}

private func check(_ review: ReviewRequest) {
    precondition(review.note.map { (1...ReviewRequest.limitNoteByteCount).contains($0.utf8.count) } ?? true)
    precondition(review.label.map { (1...256).contains($0.utf8.count) } ?? true)
    precondition(review.call == nil || review.label != nil)
}
