import Testing
import TernFindings
import TernPlatform

@testable import TernService

private func ticket(_ number: Int, _ source: Int, dueAt: UInt64? = nil, byteCount: Int = 1) -> FrameDesk.Ticket {
    let frame = LiveFrame(content: .bytes([UInt8](repeating: 0, count: byteCount), .png), modality: nil)
    return FrameDesk.Ticket(number: number, source: .numbered(user: nil, source), frame: frame, dueAt: dueAt)
}

@Test func theNewestFrameTakesThePlaceOfTheOlder() throws {
    let desk = try FrameDesk(limitSourceCount: 2, limitByteCount: 100)
    #expect(desk.put(ticket(1, 1)) == .waits)
    #expect(desk.put(ticket(2, 2)) == .waits)
    #expect(desk.put(ticket(3, 1)) == .replaced(number: 1))
    #expect(desk.put(ticket(4, 1)) == .replaced(number: 3))
    #expect(desk.put(ticket(5, 3)) == .full)
    // The source that waited longest comes first, with its newest frame.
    let first = try #require(desk.take(now: 0))
    #expect((first.number, first.supersededCount) == (4, 2))
    // Its next one stands behind the others.
    #expect(desk.put(ticket(6, 1)) == .waits)
    #expect(desk.take(now: 0)?.number == 2)
    #expect(desk.take(now: 0)?.number == 6)
    #expect(desk.take(now: 0) == nil)
}

@Test func waitingFramesAreBoundedInBytes() throws {
    let desk = try FrameDesk(limitSourceCount: 9, limitByteCount: 100)
    #expect(desk.put(ticket(1, 1, byteCount: 60)) == .waits)
    #expect(desk.put(ticket(2, 2, byteCount: 60)) == .full)
    // What is replaced makes room.
    #expect(desk.put(ticket(3, 1, byteCount: 100)) == .replaced(number: 1))
}

@Test func lateAndForgottenFramesAreNotTaken() throws {
    let desk = try FrameDesk(limitSourceCount: 9, limitByteCount: 100)
    _ = desk.put(ticket(1, 1, dueAt: 10))
    _ = desk.put(ticket(2, 2, dueAt: 11))
    _ = desk.put(ticket(3, 3))
    _ = desk.put(ticket(4, 4))
    desk.remove(3)
    #expect(desk.take(now: 10)?.number == 2)
    #expect(desk.removeAll() == [4])
    #expect(desk.waitingCount == 0 && desk.collect().isEmpty)
}

@Test func aStudyIsPromisedOrTakenBackAndNeverBoth() throws {
    let promises = try Promises()
    let (first, second) = (try StudyIdentifier(), try StudyIdentifier())
    #expect(promises.promise(first) && promises.promise(first) && !promises.withdraw(first))
    #expect(promises.withdraw(second) && !promises.promise(second))
    promises.forget(first)
    #expect(promises.withdraw(first))
}

@Test func framesAreAskedForWithTheirParameters() throws {
    let route = try Route(method: .post, target: "/v1/frames?source=3&deadline_ms=40&modality=US")
    #expect(route == .postFrame(source: 3, modality: StatedModality("US".utf8), deadlineMilliseconds: 40))
    #expect(try Route(method: .post, target: "/v1/frames") == .postFrame(source: nil, modality: nil, deadlineMilliseconds: nil))
    let study = try Route(method: .post, target: "/v1/studies?wait=1&deadline_ms=3600000")
    #expect(study == .postStudy(waits: true, selection: .all, modality: nil, deadlineMilliseconds: 3_600_000))
    for target in ["/v1/studies?deadline_ms=5", "/v1/frames?deadline_ms=0", "/v1/frames?deadline_ms=3600001", "/v1/frames?wait=1", "/v1/frames?source=-1"] {
        #expect(throws: Problem.self) { _ = try Route(method: .post, target: target) }
    }
}
