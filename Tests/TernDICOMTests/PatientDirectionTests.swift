import Testing
import TernImage

@testable import TernDICOM

@Test(arguments: [("L", ImageAttributes.Direction?.some(.left)), ("RPF", .right), ("HF", .head), ("", nil), ("LE", nil), ("RT", nil), ("LPHF", nil), ("l", nil)])
func onlyTheLettersOfABipedAreDirections(letters: String, direction: ImageAttributes.Direction?) {
    #expect(ImageAttributes.Direction(letters: Array(letters.utf8)[...]) == direction)
}

@Test func aVectorIsTheAxisItIsClosestTo() {
    #expect(ImageAttributes.Direction(closestTo: PatientVector(x: -0.9, y: 0.3, z: 0.3)) == .right)
    #expect(ImageAttributes.Direction(closestTo: PatientVector(x: 0.1, y: -0.8, z: 0.2)) == .anterior)
    #expect(ImageAttributes.Direction(closestTo: PatientVector(x: 0, y: 0, z: 2)) == .head)
    #expect(ImageAttributes.Direction(closestTo: PatientVector(x: 0, y: 0, z: 0)) == nil)
}
