import Testing

@testable import TernService

@Suite struct ResultRingTests {
    private func ring(_ count: Int, limit: Int = 100, bytes: Int = 1 << 20) throws -> ResultRing {
        var ring = ResultRing(limitCount: limit, limitByteCount: bytes)
        for sequence in 0..<count {
            ring.append(.init(sequence: sequence + 1, identifier: try StudyIdentifier(), line: Array("line \(sequence + 1)\n".utf8)))
        }
        return ring
    }

    @Test func keepsTheNewest() throws {
        let ring = try ring(250, limit: 7)
        #expect(ring.count == 7 && ring.oldest == 244 && ring.newest == 250)
    }

    @Test func keepsTheNewestWithinItsBytes() throws {
        let ring = try ring(99, limit: 100, bytes: 21)
        #expect(ring.count == 2 && ring.oldest == 98)
        #expect(try self.ring(5, bytes: 1).count == 1)
    }

    @Test func pagesFollowEachOther() throws {
        let ring = try ring(9)
        var position = 0
        var pages: [String] = []
        while let page = ring.page(after: position, until: .max, byteCount: 15) {
            pages.append(String(decoding: page.lines, as: UTF8.self))
            position = page.last
        }
        #expect(position == 9)
        #expect(pages == ["line 1\nline 2\n", "line 3\nline 4\n", "line 5\nline 6\n", "line 7\nline 8\n", "line 9\n"])
    }

    @Test func aPageHasAtLeastOneLine() throws {
        let page = try #require(try ring(3).page(after: 1, until: .max, byteCount: 1))
        #expect(page.last == 2)
    }

    @Test func aPageEndsWhereItIsTold() throws {
        let ring = try ring(9)
        #expect(try #require(ring.page(after: 3, until: 5, byteCount: 1000)).last == 5)
        #expect(ring.page(after: 5, until: 5, byteCount: 1000) == nil)
        #expect(ring.page(after: 9, until: .max, byteCount: 1000) == nil)
    }

    @Test func anEmptyRingHasNothing() throws {
        let ring = try ring(0)
        #expect(ring.oldest == nil && ring.newest == nil && ring.page(after: 0, until: .max, byteCount: 1) == nil)
    }

    @Test func findsByIdentifier() throws {
        var ring = try ring(20, limit: 3)
        let identifier = try StudyIdentifier()
        ring.append(.init(sequence: 21, identifier: identifier, line: [1]))
        #expect(ring.line(of: identifier) == [1])
        #expect(ring.line(of: try StudyIdentifier()) == nil)
    }
}
