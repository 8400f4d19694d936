import Testing

@testable import TernService

@Suite struct ServiceEventsTests {
    /// What was said, and how often the loop was woken.
    private final class Heard {
        var words: [String] = []
        var count = 0
    }

    @Test func anEventIsSaidAndKeptAndWakes() throws {
        let heard = Heard()
        let events = try ServiceEvents(say: { level, words in heard.words.append(level.rawValue + ": " + words) })
        events.note("first")
        events.wakes { heard.count += 1 }
        events.note("disk_full", [.init(name: "free_bytes", value: 17)], level: .error)
        #expect(heard.words == ["info: first", "error: disk_full free_bytes 17"] && heard.count == 1 && events.newest == 2)
        let text = events.newest(1).map { String(decoding: $0, as: UTF8.self) }
        #expect(text.count == 1 && text[0].hasPrefix("{\"schema\":\"tern.event/1\",\"event\":2,\"run\":\"\(events.run)\",\"time\":\""))
        #expect(text[0].hasSuffix("Z\",\"code\":\"disk_full\",\"level\":\"error\",\"free_bytes\":17}"))
    }

    @Test func theNewestAreKeptAndComeInPages() throws {
        let events = try ServiceEvents(say: { _, _ in })
        #expect(events.page(after: 0, until: .max, byteCount: 1000) == nil)
        for index in 1...300 { events.note("tick", [.init(name: "index", value: index)]) }
        var position = 0
        var lines: [String] = []
        while let page = events.page(after: position, until: 299, byteCount: 1000) {
            #expect(page.lines.count <= 1000 && page.last > position)
            position = page.last
            lines += String(decoding: page.lines, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        #expect(position == 299 && lines.count == 255)
        #expect(lines.first?.contains("\"event\":45,") == true && lines.last?.contains("\"index\":299}") == true)
        #expect(try #require(events.page(after: 298, until: .max, byteCount: 1)).last == 299)
        #expect(events.newest(8).count == 8)
    }
}
