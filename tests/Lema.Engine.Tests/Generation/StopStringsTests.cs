using Lema.Engine.Generation;

namespace Lema.Engine.Tests.Generation;

public sealed class StopStringsTests
{
    [Theory]
    [InlineData("one END two", "one ", "END")]
    [InlineData("one EN two", "one EN two", null)]
    [InlineData("one EN", "one EN", null)]
    [InlineData("EENDx", "E", "END")]
    [InlineData("a<|user|>b", "a", "<|user|>")]
    [InlineData("aab", "", "aab")]
    [InlineData("aaab", "a", "aab")]
    public void Push_InPiecesOfAnySize_ShowsTheTextBeforeTheStop(string text, string shown, string? found)
    {
        for (int size = 1; size <= text.Length; size++)
        {
            StopStrings stops = new(["END", "<|user|>", "aab"]);
            string result = string.Concat(text.Chunk(size).Select(piece => stops.Push(new string(piece)))) + stops.Finish();
            Assert.Equal((shown, found), (result, stops.Found));
        }
    }

    [Fact]
    public void Push_WithoutStops_HoldsNothingBack() => Assert.Equal("abc", new StopStrings([]).Push("abc"));

    [Fact]
    public void Push_OfPossibleBeginning_HoldsOnlyThat()
    {
        StopStrings stops = new(["END"]);
        Assert.Equal("one ", stops.Push("one EN"));
        Assert.Equal("EN!", stops.Push("!"));
    }
}
