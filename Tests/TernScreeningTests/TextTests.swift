import Testing

@testable import TernScreening

private func cell(_ text: String) -> String {
    var csv = CSVText()
    csv.cell(text)
    return String(decoding: csv.utf8, as: UTF8.self)
}

@Test func quotesWhatSeparatesCells() {
    #expect(cell("a/b-1.png") == "a/b-1.png")
    #expect(cell("a,b") == "\"a,b\"")
    #expect(cell("a;b") == "\"a;b\"")
    #expect(cell("say \"a\"\n") == "\"say \"\"a\"\"\n\"")
    #expect(cell("胸片") == "胸片")
}

// OWASP, CSV Injection: the characters that begin a formula in one of the common spreadsheets.
@Test(arguments: ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "＋1", "－1", "＠1", "\n=1"])
func computesNothing(text: String) {
    let written = cell(text)
    #expect(written.hasPrefix("'") || written.hasPrefix("\"'"))
}

@Test func leavesOtherTextsAsTheyAre() {
    for text in ["a=1", "1-2", "x@y", "", "．1", "'a"] { #expect(!cell(text).hasPrefix("''") && !cell(text).hasPrefix("\"''")) }
}

@Test func separatesCellsAndEndsRows() {
    var csv = CSVText()
    csv.cell("a")
    csv.cell(0.5 as Float?)
    csv.cell(nil as Float?)
    csv.cell(7 as Int?)
    csv.endRow()
    csv.cell("b")
    csv.endRow()
    #expect(csv.utf8 == Array("a,0.5,,7\r\nb\r\n".utf8))
    #expect(CSVText.byteOrderMark == [0xEF, 0xBB, 0xBF])
}

// RFC 4648 section 10.
@Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ("\u{3}ÿï¿", "A8O/w6/Cvw=="),
])
func writesBase64(bytes: String, text: String) {
    #expect(Base64.text(Array(bytes.utf8)) == Array(text.utf8))
    #expect(Base64.characterCount(byteCount: bytes.utf8.count) == text.utf8.count)
}

@Test func showsEveryNameAsText() {
    #expect(shownPath(Array("a/胸.png".utf8)) == "a/胸.png")
    #expect(shownPath([0x61, 0x2F, 0xE4, 0x2E]) == "a/\\xE4.")
}

@Test func tellsHowFarItIsAndHowLongItTakes() {
    var progress = ScreeningProgress(total: 1000, doneBefore: 0, notAnalysed: 0)
    #expect(progress.text(milliseconds: 0) == "0 of 1000")
    progress.done = 312
    progress.notAnalysed = 3
    #expect(progress.text(milliseconds: 6900) == "312 of 1000, 45.2 images/s, 16 s left, 3 not analysed")
    progress.done = 1000
    #expect(progress.text(milliseconds: 4000) == "1000 of 1000, 250 images/s, 3 not analysed")
    progress = ScreeningProgress(total: 100, doneBefore: 50, notAnalysed: 0)
    progress.done = 25
    #expect(progress.text(milliseconds: 250_000) == "75 of 100, 0.1 images/s, 5 min left")
    #expect(ScreeningProgress.duration(seconds: 7_260) == "2 h 1 min")
}

@Test(arguments: [1, 10, 30, 80, 120, 200])
func neverFillsTheLastColumn(columns: Int) {
    var progress = ScreeningProgress(total: 1_000_000, doneBefore: 500_000, notAnalysed: 12_345)
    for done in [0, 1, 250_000, 500_000] {
        progress.done = done
        let bar = progress.bar(milliseconds: 123_456, columns: columns)
        #expect(bar.utf8.count < max(columns, 1))
        if columns >= 100 { #expect(bar.hasPrefix("[")) }
    }
}

@Test func endsNoScriptElement() {
    #expect(inScript(Array("{\"a\":\"</script><!--\"}".utf8)) == Array("{\"a\":\"\\u003c/script>\\u003c!--\"}".utf8))
}
