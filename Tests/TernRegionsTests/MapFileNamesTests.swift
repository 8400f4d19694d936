import Testing

@testable import TernRegions

@Test func aLabelIsPartOfAFileName() {
    #expect(mapFileNames(of: ["Pleural Effusion", "t2/flair", "0", "肺炎"]) == ["pleural-effusion", "t2-flair", "0", "------"])
    #expect(mapFileNames(of: []).isEmpty)
}

@Test func labelsThatLookAlikeInAFileNameGetTheirPlace() {
    #expect(mapFileNames(of: ["a b", "a-b", "A B", "c"]) == ["a-b", "a-b-2", "a-b-3", "c"])
    // A name made longer meets another label, before it and behind it.
    #expect(mapFileNames(of: ["a-b-3", "a b", "a-b"]) == ["a-b-3", "a-b", "a-b-3-3"])
    #expect(mapFileNames(of: ["a", "A", "a-2"]) == ["a", "a-2-2", "a-2"])
    #expect(Set(mapFileNames(of: [String](repeating: "x", count: 50))).count == 50)
}
