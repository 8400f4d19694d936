import Testing
import TernImage
import TernModel

@testable import TernPrepare

@Test func aSmallPictureIsShownAsItIsStored() {
    let colour = DecodedImage(width: 2, height: 1, channels: 3, bitsStored: 8, samples: .uint8([1, 2, 3, 250, 251, 252]), greyscale: nil)
    #expect(shownImage(of: colour, limitSide: 2) == ShownImage(width: 2, height: 1, channels: 3, samples: [1, 2, 3, 250, 251, 252]))
    let inverted = DecodedImage(width: 2, height: 1, channels: 1, bitsStored: 8, samples: .uint8([0, 200]), greyscale: .init(isInverted: true))
    #expect(shownImage(of: inverted, limitSide: 9)?.samples == [255, 55])
}

@Test func windowsCountAndUnusableOnesDoNot() {
    var image = DecodedImage(
        width: 3, height: 1, channels: 1, bitsStored: 12, samples: .uint16([0, 1000, 4095]),
        greyscale: .init(slope: 2, intercept: -1000, voi: .window(.init(centre: 1000, width: 2000, function: .linearExact))))
    #expect(shownImage(of: image, limitSide: 3)?.samples == [0, 128, 255])
    image.greyscale?.voi = .unusable(.width)
    #expect(shownImage(of: image, limitSide: 3)?.samples == [0, 62, 255])
}

@Test func aRefusedPictureIsNoneInsteadOfABlackOne() {
    let image = DecodedImage(width: 2, height: 1, channels: 1, bitsStored: 16, samples: .uint16([0, 65_535]), greyscale: nil)
    #expect(shownImage(of: image, limitSide: 2)?.samples == [0, 255])
    let refused = shownImage(of: image, limitSide: 2) { (_, _) throws(PrepareError) -> PreparedInput in throw .noRescaledValues }
    #expect(refused == nil)
}

@Test func aLargePictureIsShrunkAndColourStaysColour() {
    let row: [UInt8] = [0, 50, 100, 0, 50, 100, 0, 50, 100, 0, 50, 100]
    let image = DecodedImage(
        width: 4, height: 2, channels: 3, bitsStored: 8, samples: .uint8(row + row.map { (value: UInt8) -> UInt8 in value + 10 }), greyscale: nil)
    #expect(shownImage(of: image, limitSide: 2) == ShownImage(width: 2, height: 1, channels: 3, samples: [5, 55, 105, 5, 55, 105]))
    #expect(shownSides(width: 16_384, height: 3, limitSide: 1024) == (1024, 1))
}

@Test func theUsedAreaIsTheRecipesCrop() {
    var recipe = InputRecipe(
        modality: "", channels: 1, height: 8, width: 8, crop: .stretch, filter: .box, intensity: .fileWindow, scale: [1], offset: [0])
    #expect(usedArea(width: 448, height: 336, recipe: recipe) == PixelRectangle(x: 0, y: 0, width: 448, height: 336))
    recipe.crop = .centreSquare
    #expect(usedArea(width: 448, height: 335, recipe: recipe) == PixelRectangle(x: 56, y: 0, width: 335, height: 335))
}
