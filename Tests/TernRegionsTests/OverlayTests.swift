import Testing
import TernFindings
import TernImage

@testable import TernRegions

private func map(_ columns: Int, _ values: [Float], area: PixelRectangle) -> LocationMap {
    LocationMap(method: .patchShares, label: "x", columns: columns, rows: values.count / columns, values: values, area: area)
}

private func evidence(_ width: Int, _ height: Int, _ samples: [UInt8], image: (Int, Int)? = nil) -> Evidence {
    Evidence(
        frame: 1, picture: ShownImage(width: width, height: height, channels: samples.count / (width * height), samples: samples), maps: [],
        imageWidth: image?.0, imageHeight: image?.1)
}

private func pixel(_ image: ShownImage, _ x: Int, _ y: Int) -> [UInt8] { Array(image.samples[((y * image.width + x) * 3)..<((y * image.width + x) * 3 + 3)]) }

@Test func anEvenMapAndOneThatSpeaksAgainstLeaveThePicture() {
    let grey = evidence(600, 2, (0..<1200).map { UInt8($0 % 251) })
    let area = PixelRectangle(x: 0, y: 0, width: 600, height: 2)
    for values in [[Float](repeating: 3, count: 6), [-1, -2, -3, 0, 0, -9], [0, 0, 0, 0, 0, 0]] {
        let picture = Overlay.picture(of: map(6, values, area: area), regions: [], over: grey)
        #expect(picture.channels == 3 && picture.samples == grey.picture.samples.flatMap { [$0, $0, $0] })
    }
}

@Test func theStrongestPatchHasTheLastColourAndOpacityFades() {
    let black = evidence(512, 512, [UInt8](repeating: 0, count: 512 * 512))
    var values = [Float](repeating: 0, count: 64)
    values[9] = 5
    let one = map(8, values, area: PixelRectangle(x: 0, y: 0, width: 512, height: 512))
    // The centre of the patch: half a pixel beside it on the scale of 256 steps.
    let full = Overlay.picture(of: one, regions: [], over: black, opacity: 256)
    #expect(pixel(full, 96, 96)[0] >= 254 && pixel(full, 96, 96)[2] <= 78)
    #expect(pixel(full, 300, 300) == [0, 0, 0])
    let half = Overlay.picture(of: one, regions: [], over: black, opacity: 128)
    #expect(abs(Int(pixel(half, 96, 96)[0]) * 2 - Int(pixel(full, 96, 96)[0])) <= 2)
    #expect(Overlay.picture(of: one, regions: [], over: black, opacity: 0).samples.allSatisfy { $0 == 0 })
}

@Test func nothingIsColouredOutsideTheAreaAndBoxesAreInPixelsOfTheImage() {
    // An image of 1,200 by 600 shown at half its size; the model sees its middle square.
    let white = evidence(600, 300, [UInt8](repeating: 255, count: 600 * 300), image: (1200, 600))
    let one = map(2, [1, 0, 0, 0], area: PixelRectangle(x: 300, y: 0, width: 600, height: 600))
    let region = FindingRegion(box: PixelRectangle(x: 300, y: 0, width: 300, height: 300), share: 1)
    let picture = Overlay.picture(of: one, regions: [region], over: white)
    for x in 0..<150 { #expect(pixel(picture, x, 20) == [255, 255, 255]) }
    #expect(pixel(picture, 150, 0) == [0, 0, 0] && pixel(picture, 299, 149) == [0, 0, 0])
    #expect(pixel(picture, 151, 20) == [255, 255, 255] && pixel(picture, 152, 20) == [0, 0, 0])
    #expect(pixel(picture, 160, 20) != [255, 255, 255])
}

@Test func smallPicturesAreEnlargedAndBoxesOutsideAreCut() {
    let small = evidence(3, 2, [0, 100, 200, 50, 150, 250])
    let outside = FindingRegion(box: PixelRectangle(x: 2, y: 1, width: 9, height: 9), share: 1)
    let picture = Overlay.picture(of: map(1, [1], area: PixelRectangle(x: 0, y: 0, width: 3, height: 2)), regions: [outside], over: small)
    #expect((picture.width, picture.height) == (513, 342))
    #expect(pixel(picture, 0, 0) == [0, 0, 0] && pixel(picture, 0, 341) == [50, 50, 50] && pixel(picture, 512, 341) == [0, 0, 0])
    #expect(pixel(picture, 85, 0) == [0, 0, 0] && pixel(picture, 256, 0) == [100, 100, 100])
}

@Test func lightnessRisesWithEveryColourOfTheScale() {
    let table = ColourScale.table()
    func linear(_ value: Int) -> Double {
        let share = Double(value) / 255
        // The square is near enough to the curve of sRGB to compare neighbours.
        return share * share
    }
    let light = (0...256).map { 0.2126 * linear(table[$0 * 3]) + 0.7152 * linear(table[$0 * 3 + 1]) + 0.0722 * linear(table[$0 * 3 + 2]) }
    for step in stride(from: 8, through: 256, by: 8) { #expect(light[step] > light[step - 8]) }
    #expect(light[0] < 0.05 && light[256] > 0.7)
}
