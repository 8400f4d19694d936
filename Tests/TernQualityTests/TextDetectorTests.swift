import Testing
import TernImage

@testable import TernQuality

/// A field that lies under nothing else.
private func share(_ box: [Int], _ regions: [PixelRectangle]) -> Float {
    coveredShare(of: PixelRectangle(x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1]), by: regions)
}

@Test func findsTextWherePillowDrewIt() throws {
    for item in try QualityVectors.load().text where !item.boxes.isEmpty {
        let regions = textRegions(in: try QualityVectors.plane(item.file, item.width, item.height))
        for box in item.boxes { #expect(share(box, regions) >= 0.95, "\(item.file) \(box) \(regions)") }
        // What is covered beside the texts is their margin.
        let texts = item.boxes.map { PixelRectangle(x: $0[0] - 12, y: $0[1] - 12, width: $0[2] - $0[0] + 24, height: $0[3] - $0[1] + 24) }
        for region in regions { #expect(coveredShare(of: region, by: texts) >= 0.99, "\(item.file) \(region)") }
    }
}

@Test func findsNoTextInSpeckleLinesAndRamps() throws {
    let items = try QualityVectors.load().text.filter { $0.boxes.isEmpty }
    #expect(items.count == 5)
    for item in items { #expect(textRegions(in: try QualityVectors.plane(item.file, item.width, item.height)) == [], "\(item.file)") }
}

@Test func planesOfOneColumnOrOneLevelHaveNoText() {
    for (width, height) in [(1, 1), (1, 300), (300, 1), (64, 64)] {
        #expect(textRegions(in: GreyPlane(width: width, height: height, values: [UInt8](repeating: 255, count: width * height))) == [])
    }
}

@Test func regionsStayInsideThePlaneWhateverIsInIt() {
    var state: UInt64 = 7
    for (width, height) in [(33, 70), (200, 150), (640, 80)] {
        for density in [2, 5, 9] as [UInt64] {
            // Blocks of ink of all densities: the worst that can be asked of the search.
            let values = (0..<(width * height)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (state >> 33) % 10 < density ? 255 : 0 as UInt8
            }
            for region in textRegions(in: GreyPlane(width: width, height: height, values: values)) {
                #expect(region.x >= 0 && region.y >= 0 && region.width > 0 && region.height > 0)
                #expect(region.x + region.width <= width && region.y + region.height <= height)
            }
        }
    }
}

@Test func coveredShareCountsOverlapsOnce() {
    let field = PixelRectangle(x: 10, y: 10, width: 10, height: 10)
    #expect(coveredShare(of: field, by: []) == 0)
    #expect(coveredShare(of: field, by: [PixelRectangle(x: 0, y: 0, width: 40, height: 40)]) == 1)
    let (left, middle) = (PixelRectangle(x: 5, y: 10, width: 10, height: 5), PixelRectangle(x: 12, y: 10, width: 4, height: 10))
    #expect(coveredShare(of: field, by: [middle, left]) == Float(25 + 5 + 20) / 100)
    #expect(coveredShare(of: field, by: [PixelRectangle(x: 20, y: 10, width: 5, height: 5)]) == 0)
}
