import Testing
import TernPlatform

@testable import TernService

@Test func whatTheHeadSaysIsWhereThePicturesLie() throws {
    let pictures = [MapPicture(label: "a b", bytes: [1, 2, 3]), MapPicture(label: "肺", bytes: []), MapPicture(label: "c", bytes: [4])]
    let head = MapShelf.head(of: pictures)
    let file = head + pictures.flatMap { $0.bytes }
    let found = try #require(MapShelf.ranges(file, byteCount: file.count))
    #expect(found.map { $0.label } == pictures.map { Array($0.label.utf8) } && found.map { Array(file[$0.bytes]) } == pictures.map { $0.bytes })
    // Shorter than its pictures.
    #expect(MapShelf.ranges(head, byteCount: file.count - 1) == nil)
}

@Test func everyPrefixAndEveryFlippedBitOfAHeadIsReadOrRefused() {
    let head = MapShelf.head(of: [MapPicture(label: "one", bytes: [UInt8](repeating: 7, count: 300)), MapPicture(label: "two", bytes: [1])])
    let byteCount = head.count + 301
    for count in 0..<head.count { #expect(MapShelf.ranges(Array(head[..<count]), byteCount: byteCount) == nil) }
    for bit in 0..<(head.count * 8) {
        var flipped = head
        flipped[bit / 8] ^= 1 << UInt8(bit % 8)
        let found = MapShelf.ranges(flipped, byteCount: byteCount) ?? []
        #expect(found.allSatisfy { $0.bytes.upperBound <= byteCount })
    }
}

@Test func aMapIsAskedForByItsLabel() throws {
    let identifier = try StudyIdentifier()
    let path = "/v1/findings/\(identifier.text)/map.jpg"
    #expect(try Route(method: .get, target: path) == .map(identifier, label: nil))
    #expect(try Route(method: .head, target: path + "?label=red+blood%20cell%2B") == .map(identifier, label: Array("red blood cell+".utf8)))
    for bad in ["?label=", "?label=%", "?label=%4", "?label=%zz", "?lable=x", "?label=a&label=b"] {
        #expect(throws: Problem.self) { try Route(method: .get, target: path + bad) }
    }
    #expect(throws: Problem.methodNotAllowed("GET, HEAD")) { try Route(method: .post, target: path) }
}
