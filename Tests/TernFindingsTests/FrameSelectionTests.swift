import TernFindings
import Testing

private func selection(_ text: String) -> FrameSelection? { FrameSelection(Array(text.utf8)) }

private func frames(_ text: String, of count: Int) -> [Int]? {
    selection(text)?.indices(count: count).map { $0.map { $0 + 1 } }
}

@Test func readsEveryWritingOfFrames() {
    #expect(frames("7", of: 9) == [7])
    #expect(frames("3-6", of: 9) == [3, 4, 5, 6])
    #expect(frames("8-", of: 9) == [8, 9])
    #expect(frames("1-9:4", of: 9) == [1, 5, 9])
    #expect(frames("2-:3", of: 9) == [2, 5, 8])
    #expect(frames("5-5:9", of: 9) == [5])
    #expect(FrameSelection.all.indices(count: 2).map(Array.init) == [0, 1])
}

@Test(arguments: [
    "", "0", "-", "-3", "3-2", "1-0", "a", "1-2-3", "1:2", "1-5:0", "1-5:", "1-5:2:2", "1,2", " 1", "+1", "1-5 ", "1234567890", "1-1234567890", "٣", "1--2",
])
func refusesOtherText(text: String) { #expect(selection(text) == nil) }

@Test func framesThatTheFileHasNotAreNoSelection() {
    for text in ["10", "3-10", "10-", "1-10:2"] { #expect(frames(text, of: 9) == nil, "\(text)") }
}

@Test(arguments: ["1", "1-9", "2-", "1-9:2", "2-9:3", "9-9:5", "1-8:8"])
func countsWhatItChooses(text: String) {
    #expect(selection(text)?.chosenCount(of: 9) == frames(text, of: 9)?.count)
}
