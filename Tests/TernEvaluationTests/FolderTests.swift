import Foundation
import TernModel
import Testing

@testable import TernEvaluation

private let classes = ClassNames(
    outputCount: 2,
    labels: [
        Label(name: "normal", outputIndex: 0, isReported: false, code: nil, threshold: nil, operatingPoint: ""),
        Label(name: "finding", outputIndex: 1, isReported: true, code: nil, threshold: nil, operatingPoint: ""),
    ])

/// A folder that is removed when the test ends; paths ending in a slash make folders.
private func inFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tern-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    try body(folder.path)
}

private func cases(_ folder: String, _ split: String? = nil) throws -> [String] {
    try Dataset(path: folder, split: split, classes: classes).cases.map { "\($0.name) \($0.truth)" }
}

@Test func readsATableWithAndWithoutSplits() throws {
    try inFolder(["labels.csv": "file,label\na.png,normal\nsub/b.png,1\r\n"]) { folder throws in
        #expect(try cases(folder) == ["a.png 0", "sub/b.png 1"])
        #expect(throws: DatasetError.table(path: folder + "/labels.csv", line: 1, .noSplitColumn)) { try cases(folder, "test") }
    }
    try inFolder(["labels.csv": "\u{FEFF}file,label,split\n\"a, \"\"b\"\".png\",finding,test\nc.png,0,val\n"]) { folder throws in
        #expect(try cases(folder, "test") == ["a, \"b\".png 1"])
        #expect(try cases(folder) == ["a, \"b\".png 1", "c.png 0"])
        #expect(throws: DatasetError.unknownSplit(name: "train", splits: ["test", "val"])) { try cases(folder, "train") }
    }
}

@Test func readsOneFolderForEachLabel() throws {
    let files = ["finding/b.png": "", "finding/deep/a.JPG": "", "finding/notes.txt": "", "0/c.dcm": "", ".hidden/x.png": ""]
    try inFolder(files) { folder throws in
        #expect(try cases(folder) == ["0/c.dcm 0", "finding/b.png 1", "finding/deep/a.JPG 1"])
        #expect(throws: DatasetError.unknownSplit(name: "test", splits: ["0", "finding"])) { try cases(folder, "test") }
    }
    try inFolder(["test/normal/a.png": "", "val/labels.csv": "file,label\nx.png,1\n"]) { folder throws in
        #expect(try cases(folder, "test") == ["normal/a.png 0"])
        #expect(try cases(folder, "val") == ["x.png 1"])
        #expect(throws: DatasetError.splitNeeded(splits: ["test", "val"])) { try cases(folder) }
    }
    try inFolder(["other/a.png": ""]) { folder throws in
        #expect(throws: DatasetError.unknownFolder(path: folder + "/other", labels: ["normal", "finding"])) { try cases(folder) }
    }
    try inFolder(["readme.txt": ""]) { folder throws in
        #expect(throws: DatasetError.noImages(place: folder)) { try cases(folder) }
    }
}

@Test(arguments: [
    ("label,file\n", 1, DatasetError.TableRule.head), ("", 1, .head), ("file,label\na.png\n", 2, .fieldCount(expected: 2, found: 1)),
    ("file,label\na.png,0\nb,c.png,1\n", 3, .fieldCount(expected: 2, found: 3)), ("file,label\n\"a.png,0\n", 2, .openQuote),
    ("file,label\na.png,2\n", 2, .unknownLabel(name: "2", labels: ["normal", "finding"])),
])
func refusesOtherTables(text: String, line: Int, rule: DatasetError.TableRule) {
    #expect(throws: DatasetError.table(path: "t", line: line, rule)) { try LabelTable(parsing: Array(text.utf8), path: "t", classes: classes) }
    #expect(!rule.message.isEmpty)
}

@Test func refusesATableThatIsNotText() {
    #expect(throws: DatasetError.table(path: "t", line: 1, .notUTF8)) { try LabelTable(parsing: [0xFF, 0xFE, 0], path: "t", classes: classes) }
}
