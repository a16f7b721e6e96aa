using System.Text.Json;
using Lema.Testing;

namespace Lema.EndToEnd.Tests;

/// <summary>The demo keeps its promises, over three seeds.</summary>
[Collection(OneAtATime.Name)]
public sealed class DemoTests
{
    [Fact]
    public async Task Demo_ThreeSeeds_TeachesTheFormatAndMergesExactly()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        List<double> formats = [];
        foreach (int seed in new[] { 11, 12, 13 }) formats.Add(await FormatOfAsync(seed));

        Assert.True(formats.Average() >= 0.99, string.Join(", ", formats));
        Assert.All(formats, f => Assert.True(f >= 0.98));
    }

    private static async Task<double> FormatOfAsync(int seed)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("lema-demo-home-");
        try
        {
            Finished finished = await Programs.RunAsync(Checkout.Cli, home.FullName, new Dictionary<string, string> { ["TMPDIR"] = home.FullName }, "demo", "--seed", $"{seed}", "--format", "json");
            finished.Succeeded();
            JsonElement result = JsonDocument.Parse(finished.Lines[^1]).RootElement;
            Assert.Equal("demo", result.GetProperty("kind").GetString());
            Assert.Equal(0, result.GetProperty("baseValidFormat").GetDouble());
            Assert.True(result.GetProperty("heldOutRightAnswer").GetDouble() >= 0.95);
            Assert.InRange(result.GetProperty("mergedMaxLogitDifference").GetDouble(), 0, 1e-3);
            Assert.InRange(result.GetProperty("mergedValidFormat").GetDouble(), result.GetProperty("tunedValidFormat").GetDouble() - 0.01, 1);
            Assert.True(result.GetProperty("weightBudgetBytes").GetInt64() < result.GetProperty("modelBytes").GetInt64());
            Assert.True(result.GetProperty("streamedBytes").GetInt64() > result.GetProperty("modelBytes").GetInt64());
            Assert.True(File.Exists(Path.Combine(result.GetProperty("mergedFolder").GetString()!, "config.json")));
            Assert.Empty(Directory.GetDirectories(home.FullName, "lema-demo-*"));
            return result.GetProperty("tunedValidFormat").GetDouble();
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
