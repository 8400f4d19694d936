import Foundation
import TernFindings
import TernImage
import TernPlatform
import Testing

@testable import TernScreening

private let reference = ModelReference(name: "m", version: "1", digest: "ab", keyIdentifier: nil)

/// A folder that goes away with it.
private final class Place {
    let path: String
    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/tern-screening-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func text(_ name: String) throws -> String { try String(contentsOfFile: path + "/" + name, encoding: .utf8) }
    func make(_ name: String, _ bytes: [UInt8] = [1]) throws {
        let url = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }
}

private func settings(_ value: String = "x") -> ScreeningSettings { ScreeningSettings { _ in value } }

private func item(_ index: Int, picture: [UInt8]) -> ScreenedItem {
    let result = FindingResult(
        sequence: index, id: "id\(index)", time: "t", model: reference, input: InputReference(kind: .png, sha256: "cd"), status: .failed,
        reason: CodedTerm(scheme: "99TERN", value: "X", meaning: "</script>"))
    let map = LocationMap(
        method: .patchShares, label: "l", columns: 2, rows: 1, values: [0.123456789, -2], area: PixelRectangle(x: 1, y: 2, width: 3, height: 4))
    return ScreenedItem(
        file: FolderListing.Item(path: Array("p\(index)".utf8), byteCount: index, written: 5), index: index, result: result, maps: [map], labels: ["l"],
        words: (english: "one", chinese: "一"), side: (8, 9), thumbnail: picture.isEmpty ? [] : [7], picture: picture)
}

private func report() -> ScreeningReport {
    ScreeningReport(
        program: "ternd 0", time: "now", folder: "f", model: ReportModel(reference: reference), fileCount: 3, skipped: .init(), pageHead: Array("<".utf8),
        pageTail: Array(">".utf8))
}

@Test func keepsWhatIsRecorded() throws {
    let place = try Place()
    let out = place.path + "/out"
    do {
        let journal = try ScreeningJournal(folder: out, settings: settings())
        try journal.append([item(1, picture: [1, 2, 3]), item(2, picture: [])])
        #expect(throws: ScreeningError.busy) { try ScreeningJournal(folder: out, settings: settings()) }
        try journal.append([item(3, picture: [4])])
    }
    let again = try ScreeningJournal(folder: out, settings: settings())
    #expect(again.count == 3 && again.count(of: .notAnalysed) == 3 && again.incompleteCount == 3 && again.cutByteCount == 0)
    #expect(try again.records.map { try again.picture(of: $0) } == [[1, 2, 3], [], [4]])
    #expect(again.state(of: .init(path: Array("p2".utf8), byteCount: 2, written: 5)) == (true, true))
    #expect(again.state(of: .init(path: Array("p2".utf8), byteCount: 3, written: 5)) == (true, false))
    #expect(again.state(of: .init(path: Array("p4".utf8), byteCount: 3, written: 5)) == (false, true))
    #expect(throws: ScreeningError.busy) { try ScreeningJournal(folder: out, settings: settings()) }
}

@Test func refusesWhatItDidNotBegin() throws {
    let place = try Place()
    let out = place.path + "/out"
    do {
        let journal = try ScreeningJournal(folder: out, settings: settings())
        try journal.append([item(1, picture: [])])
    }
    let other = ScreeningSettings { $0 == .modality ? "CR" : "x" }
    #expect(throws: ScreeningError.settingsDiffer(.modality)) { try ScreeningJournal(folder: out, settings: other) }
    try place.make("out/state/settings", Array("folder = x\n".utf8))
    #expect(throws: ScreeningError.settingsDamaged) { try ScreeningJournal(folder: out, settings: settings()) }
    try place.make("mine/report.html")
    #expect(throws: ScreeningError.notOurs(name: "report.html")) { try ScreeningJournal(folder: place.path + "/mine", settings: settings()) }
    #expect(throws: ScreeningError.system(.output, errno: 2)) { try ScreeningJournal(folder: place.path + "/no/out", settings: settings()) }
}

@Test func whatRecordedNothingDoesNotBind() throws {
    let place = try Place()
    let out = place.path + "/out"
    let other = ScreeningSettings { $0 == .modality ? "CR" : "x" }
    _ = try ScreeningJournal(folder: out, settings: settings())
    try place.make("out/state/journal", Array("half a record".utf8))
    do {
        let journal = try ScreeningJournal(folder: out, settings: other)
        #expect(journal.count == 0 && journal.cutByteCount == 13)
        try journal.append([item(1, picture: [])])
    }
    #expect(throws: ScreeningError.settingsDiffer(.modality)) { try ScreeningJournal(folder: out, settings: settings()) }
    #expect(try ScreeningJournal(folder: out, settings: other).count == 1)
}

@Test func putsPicturesIntoThePageOrBesideIt() throws {
    let place = try Place()
    let journal = try ScreeningJournal(folder: place.path + "/out", settings: settings())
    try journal.append([item(1, picture: [1, 2, 3]), item(2, picture: []), item(3, picture: [4])])
    var report = report()
    try report.write(journal)
    let inside = try place.text("out/report.html")
    #expect(inside.contains("\"full\":\"data:image/jpeg;base64,AQID\"}}") && inside.contains("\"pictures\":null}"))
    #expect(inside.contains("\\u003c/script>") && !inside.dropFirst().contains("<") && inside.hasSuffix("]}>"))
    #expect(inside.contains(#""values":[0.123,-2.0],"area":{"x":1,"y":2,"width":3,"height":4}"#))
    #expect(!FileManager.default.fileExists(atPath: place.path + "/out/report-files"))
    // The limit is what the page has with all pictures inside.
    report.limitPageByteCount = inside.utf8.count - 200
    try report.write(journal)
    #expect(try place.text("out/report.html").contains("\"full\":\"report-files/000003.jpg\"}}"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.path + "/out/report-files/000001.jpg")) == Data([1, 2, 3]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "/out/report-files").sorted() == ["000001.jpg", "000003.jpg"])
}

private func listing(_ place: Place) throws -> FolderListing {
    try FolderListing(of: Array(place.path.utf8), recognises: { $0.first == 42 }, isStopped: { false })
}

@Test func listsImagesByNameAndByContent() throws {
    let place = try Place()
    for name in ["b.png", "a/c.JPG", "a/x.img", "a/x.hdr", "a/y.img.gz", "a/z.nii.gz", "DICOMDIR", ".h/a.png", "n.txt"] { try place.make(name) }
    for name in ["IM0001", "1.2.840", "dicomdir.bak"] { try place.make(name, [42]) }
    try FileManager.default.createSymbolicLink(atPath: place.path + "/a/loop", withDestinationPath: place.path)
    let found = try listing(place)
    #expect(
        found.items.map { shownPath($0.path) } == ["1.2.840", "IM0001", "a/c.JPG", "a/x.hdr", "a/y.img.gz", "a/z.nii.gz", "b.png", "dicomdir.bak"])
    var skipped = FolderListing.Skipped()
    (skipped.hidden, skipped.links, skipped.others) = (1, 1, 2)
    #expect(found.skipped == skipped)
}

@Test func goesDownSoFarAndNoFurther() throws {
    let place = try Place()
    let deep = String(repeating: "d/", count: FolderListing.limitDepth)
    try place.make(deep + "a.png")
    try place.make(deep + "e/b.png")
    let found = try listing(place)
    #expect(found.items.count == 1 && found.skipped.tooDeep == 1)
}

@Test func stopsAndRefusesAsAWhole() throws {
    let place = try Place()
    #expect(throws: ScreeningError.stopped) { try FolderListing(of: Array(place.path.utf8), recognises: { _ in true }, isStopped: { true }) }
    #expect(throws: ScreeningError.system(.folder, errno: 2)) {
        try FolderListing(of: Array((place.path + "/no").utf8), recognises: { _ in true }, isStopped: { false })
    }
}

@Test func countsWhatEveryFolderHolds() throws {
    let place = try Place()
    for name in ["a/b.png", "a/c.txt", "d/.e", "f.png"] { try place.make(name) }
    func found(_ limit: Int) throws -> Int {
        try FolderListing(of: Array(place.path.utf8), limitEntryCount: limit, recognises: { _ in false }, isStopped: { false }).items.count
    }
    #expect(try found(6) == 2)
    for limit in [0, 2, 3, 5] { #expect(throws: ScreeningError.tooManyEntries(limit: limit)) { try found(limit) } }
}
