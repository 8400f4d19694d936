import TernPage
import Testing

@Suite struct PageTests {
    let head = String(decoding: Page.head(), as: UTF8.self)
    let tail = String(decoding: Page.tail(), as: UTF8.self)

    @Test func dataStandsInAScriptThatNoBrowserRuns() {
        #expect(head.hasPrefix("<!doctype html>\n"))
        #expect(head.hasSuffix("<script type=\"application/json\" id=\"tern-data\">"))
        #expect(tail.hasPrefix("</script>"))
        #expect(tail.hasSuffix("</html>\n"))
    }

    @Test func loadsNothing() {
        for text in [head, tail] {
            // The name of a vector graphic's elements is an address that nothing is loaded from.
            let rest = text.split(separator: "http://www.w3.org/2000/svg", omittingEmptySubsequences: false).joined()
            #expect(!rest.contains("http:") && !rest.contains("https:") && !rest.contains("//cdn"))
            #expect(!rest.contains("fetch(") && !rest.contains("XMLHttpRequest") && !rest.contains("WebSocket") && !rest.contains("import("))
        }
        #expect(head.contains("default-src 'none'"))
    }

    @Test func nothingIsWrittenAsMarkup() {
        #expect(!tail.contains("innerHTML") && !tail.contains("outerHTML") && !tail.contains("insertAdjacentHTML") && !tail.contains("document.write"))
    }
}
