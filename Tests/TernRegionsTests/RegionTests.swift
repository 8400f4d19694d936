import Testing
import TernFindings
import TernImage

@testable import TernRegions

private func map(_ columns: Int, _ values: [Float], area: PixelRectangle? = nil) -> LocationMap {
    let rows = values.count / columns
    return LocationMap(
        method: .patchShares, label: "x", columns: columns, rows: rows, values: values,
        area: area ?? PixelRectangle(x: 0, y: 0, width: columns * 10, height: rows * 10))
}

private func regions(_ map: LocationMap, _ attributes: ImageAttributes? = nil, width: Int = 40, height: Int = 40) -> [FindingRegion] {
    FindingLocation(of: map, imageWidth: width, imageHeight: height, attributes: attributes).regions
}

@Test func patchesThatTouchAreOneRegionAndTheLargestComesFirst() {
    // 0.5 + 0.25 at a corner of each other, 0.2 apart, 0.05 below twice the even share.
    let found = regions(map(4, [0, 0, 0, 0.2, 0.5, 0, 0, 0, 0, 0.25, 0, 0, -3, 0, 0, 0.05]))
    #expect(found.map { $0.box } == [PixelRectangle(x: 0, y: 10, width: 20, height: 20), PixelRectangle(x: 30, y: 0, width: 10, height: 10)])
    #expect(found.map { $0.share } == [0.75, 0.2])
    #expect(found.allSatisfy { $0.millimetres == nil && $0.side == nil })
}

@Test func nothingStandsOutOfAnEvenMapOrOneThatSpeaksAgainst() {
    #expect(regions(map(4, [Float](repeating: 0.3, count: 16))).isEmpty)
    #expect(regions(map(4, [Float](repeating: -1, count: 16))).isEmpty)
    #expect(regions(map(4, [Float](repeating: 0, count: 16))).isEmpty)
    #expect(regions(map(1, [7])).isEmpty)
}

@Test func whatLittleSpeaksForWhatIsDeniedIsNoRegion() {
    var values = [Float](repeating: -1, count: 100)
    values[7] = 32
    #expect(regions(map(10, values)).isEmpty)
    values[7] = 33.5
    #expect(regions(map(10, values)).map { $0.share } == [1])
}

@Test func aTenthIsARegionAndLessIsNone() {
    var values = [Float](repeating: 0, count: 100)
    (values[0], values[55], values[99]) = (81, 10, 9)
    #expect(regions(map(10, values)).map { $0.share } == [0.81, 0.1])
}

@Test func fourRegionsAreTheMostAndEqualOnesKeepTheOrderOfPatches() {
    var values = [Float](repeating: 0, count: 100)
    for index in [0, 9, 44, 90, 99] { values[index] = 1 }
    #expect(regions(map(10, values)).map { $0.box.y * 10 + $0.box.x } == [0, 90, 440, 900])
}

@Test func aSerpentineOfAllPatchesIsOneRegion() {
    // Every second row whole, joined at alternating ends: what would be deep for a recursive search.
    let side = 201
    var values = [Float](repeating: 0, count: side * side)
    for row in 0..<side {
        for column in 0..<side where row % 2 == 0 || column == (row % 4 == 1 ? side - 1 : 0) { values[row * side + column] = 1 }
    }
    values = values.map { $0 * 1000 }
    // Half of the patches are lit: their share is below twice the even one; dim ones are added around.
    #expect(regions(map(side, values)).isEmpty)
    let wide = LocationMap(
        method: .tokenRelevance, label: "x", columns: side, rows: side * 2, values: values + [Float](repeating: 0, count: side * side),
        area: PixelRectangle(x: 0, y: 0, width: side, height: side * 2))
    #expect(regions(wide).map { $0.box } == [PixelRectangle(x: 0, y: 0, width: side, height: side)])
}

@Test func boxesCoverWhatAPatchCoversInPartAndStayInTheArea() {
    let area = PixelRectangle(x: 7, y: 3, width: 10, height: 5)
    #expect(regions(map(4, [0, 1, 0, 0], area: area)).map { $0.box } == [PixelRectangle(x: 9, y: 3, width: 3, height: 5)])
    // Patches finer than pixels: of 16 columns over 10 pixels the second covers 0.625 ... 1.25.
    var fine = [Float](repeating: 0, count: 16)
    fine[1] = 1
    #expect(regions(map(16, fine, area: area)).map { $0.box } == [PixelRectangle(x: 7, y: 3, width: 2, height: 5)])
    fine = [Float](repeating: 0, count: 16)
    fine[15] = 1
    #expect(regions(map(16, fine, area: area)).map { $0.box } == [PixelRectangle(x: 16, y: 3, width: 1, height: 5)])
}

@Test func lengthsAreThoseOfTheScaleThatTheFileStates() {
    let one = map(4, [0, 0, 1, 0])
    var attributes = ImageAttributes()
    attributes.imagerPixelSpacing = .init(row: 0.143, column: 0.2)
    #expect(regions(one, attributes)[0].millimetres == .init(x: 4, y: 0, width: 2, height: 1.43, isAtDetector: true))
    attributes.pixelSpacing = .init(row: 0.1, column: 0.3)
    #expect(regions(one, attributes)[0].millimetres == .init(x: 6, y: 0, width: 3, height: 1, isAtDetector: false))
    attributes.pixelSpacing = attributes.imagerPixelSpacing
    #expect(regions(one, attributes)[0].millimetres?.isAtDetector == true)
}

@Test(arguments: [
    (ImageAttributes.Direction.left, 0, FindingRegion.Side?.some(.right)), (.left, 3, .left), (.right, 0, .left), (.right, 3, .right),
    (.anterior, 0, nil), (.head, 3, nil),
])
func theHalfOfTheImageTellsTheSideOnlyWhereRowsRunAcross(direction: ImageAttributes.Direction, patch: Int, side: FindingRegion.Side?) {
    var values = [Float](repeating: 0, count: 16)
    values[patch] = 1
    var attributes = ImageAttributes()
    attributes.rowDirection = direction
    #expect(regions(map(4, values), attributes)[0].side == side)
}

@Test func aBoxOverTheMiddleHasNoSideAndLateralityHoldsForAll() {
    let across = map(4, [0, 1, 1, 0] + [Float](repeating: 0, count: 12))
    var attributes = ImageAttributes()
    attributes.rowDirection = .left
    #expect(regions(across, attributes)[0].side == nil)
    attributes.laterality = "L"
    #expect(regions(across, attributes)[0].side == .left)
    attributes.laterality = "B"
    #expect(regions(across, attributes)[0].side == nil)
    attributes.rowDirection = .foot
    attributes.columnDirection = .right
    #expect(regions(map(4, [1] + [Float](repeating: 0, count: 15)), attributes)[0].side == .left)
}
