import Testing
import TernImage
import TernModel

@testable import TernQuality

@Test func blurEffectIsThatOfScikitImage() throws {
    for item in try QualityVectors.load().measured {
        let plane = try QualityVectors.plane(item.file, item.width, item.height)
        let blur = try #require(blurEffect(of: plane))
        #expect(abs(Double(blur) - item.blur) < 1e-6, "\(item.file)")
    }
}

@Test func levelsAreThoseOfNumPy() throws {
    for item in try QualityVectors.load().measured {
        let found = levels(of: try QualityVectors.plane(item.file, item.width, item.height))
        #expect(abs(Double(found.brightness) - item.mean) < 1e-4 && abs(Double(found.contrast) - item.deviation) < 1e-4, "\(item.file)")
        #expect(abs(Double(found.saturation) - item.saturated) < 1e-6, "\(item.file)")
    }
}

@Test func blurEffectOfSmallAndOfFlatPlanes() {
    #expect(blurEffect(of: GreyPlane(width: 8, height: 90, values: [UInt8](repeating: 3, count: 720))) == nil)
    #expect(blurEffect(of: GreyPlane(width: 9, height: 9, values: [UInt8](repeating: 3, count: 81))) == 1)
}

private func recipe(_ channels: Int, _ side: Int, scale: Float = 1 / 127.5, offset: Float = -1) -> InputRecipe {
    InputRecipe(
        modality: "", channels: channels, height: side, width: side, crop: .stretch, filter: .bicubic, intensity: .fileWindow,
        scale: [Float](repeating: scale, count: channels), offset: [Float](repeating: offset, count: channels))
}

@Test func displayValuesComeBackFromPreparedOnes() {
    let shape = recipe(1, 16)
    let prepared = (0..<256).map { shape.offset[0].addingProduct(Float($0), shape.scale[0]) }
    #expect(displayPlane(of: prepared.span, recipe: shape).values == (0...255).map { UInt8($0) })
    // ImageNet's numbers, and one pixel of colour as Pillow's L.
    let colour = InputRecipe(
        modality: "", channels: 3, height: 1, width: 1, crop: .stretch, filter: .bicubic, intensity: .fileWindow,
        scale: [Float(1 / (255 * 0.229)), Float(1 / (255 * 0.224)), Float(1 / (255 * 0.225))], offset: [-2.117904, -2.0357144, -1.8044444])
    let pixel = zip([200, 100, 50] as [Float], 0..<3).map { colour.offset[$1].addingProduct($0, colour.scale[$1]) }
    #expect(displayPlane(of: pixel.span, recipe: colour).values == [124])
}

@Test func displayValuesAreClippedAndNoNumberIsBlack() {
    let values: [Float] = [.nan, .infinity, -.infinity, 9]
    #expect(displayPlane(of: values.span, recipe: recipe(1, 2)).values == [0, 255, 0, 255])
    let flat: [Float] = [0, 1, 2, 3]
    #expect(displayPlane(of: flat.span, recipe: recipe(1, 2, scale: 0, offset: 1)).values == [0, 0, 255, 255])
}

@Test func colourIsWhereTheChannelsDiffer() {
    func image(_ samples: DecodedImage.Samples, _ width: Int, _ channels: Int, bits: Int) -> DecodedImage {
        DecodedImage(width: width, height: 1, channels: channels, bitsStored: bits, samples: samples, greyscale: nil)
    }
    #expect(colourShare(of: image(.uint8([1, 200, 3, 9]), 4, 1, bits: 8)) == 0)
    #expect(colourShare(of: image(.uint8([100, 124, 110] + [100, 125, 110]), 2, 3, bits: 8)) == 0.5)
    #expect(colourShare(of: image(.uint16([0, 6_169, 6_000] + [0, 6_168, 6_000]), 2, 3, bits: 16)) == 0.5)
    let wide = [UInt8](repeating: 7, count: 3 * 999)
    #expect(colourShare(of: image(.uint8(wide + [0, 90, 255]), 1_000, 3, bits: 8)) == 0)
}
