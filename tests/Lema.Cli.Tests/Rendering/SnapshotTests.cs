using System.Text;
using Lema.Cli.Rendering;
using Lema.Cli.Tests.Fakes;
using Lema.Testing;

namespace Lema.Cli.Tests.Rendering;

/// <summary>
/// What every command that shows a table or progress prints in a narrow, a usual and a wide terminal, as it lies in Snapshots/. <c>LEMA_UPDATE_SNAPSHOTS=1</c> writes the
/// files anew; the difference is then reviewed like code.
/// </summary>
public sealed class SnapshotTests
{
    private static readonly int[] Widths = [40, 80, 200];

    private static readonly string Folder = Path.Combine(Repository.Folder, "tests", "Lema.Cli.Tests", "Snapshots");

    [Theory]
    [InlineData("host list")]
    [InlineData("model list")]
    [InlineData("model inspect lema-tiny")]
    [InlineData("model inspect lema-tiny --tensors")]
    [InlineData("model prepare lema-tiny")]
    [InlineData("dataset list")]
    [InlineData("dataset validate replies")]
    [InlineData("dataset preview replies")]
    [InlineData("dataset preview replies --tokens")]
    [InlineData("estimate --model lema-tiny --dataset replies --set steps=200")]
    [InlineData("train --model lema-tiny --dataset replies --set steps=200")]
    [InlineData("run list")]
    [InlineData("run show first")]
    [InlineData("run watch first")]
    [InlineData("run compare first second-try-of-the-night")]
    [InlineData("artifact list first")]
    [InlineData("chat first --message hello")]
    [InlineData("eval first --dataset replies")]
    [InlineData("merge first")]
    [InlineData("doctor")]
    [InlineData("run --help")]
    [InlineData("run delete --help")]
    public async Task Run_AtThreeWidths_PrintsItsSnapshotAndFits(string line)
    {
        StringBuilder text = new();
        foreach (int width in Widths) text.Append(await PrintAsync(line, width));

        string file = Path.Combine(Folder, $"{line.Replace(" --", "-", StringComparison.Ordinal).Replace(' ', '-').Split("-model-")[0]}.txt");
        if (Environment.GetEnvironmentVariable("LEMA_UPDATE_SNAPSHOTS") == "1") await File.WriteAllTextAsync(file, text.ToString());
        Assert.Equal(await File.ReadAllTextAsync(file), text.ToString());
    }

    private static async Task<string> PrintAsync(string line, int width)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new(width: width) { Clock = new StoppedClock() };
        daemon.Furnish();
        await terminal.RunAsync("host", "add", "gpu01", "https://gpu01.lab.example.org:5090", "--token-file", "/home/ada/gpu01.token", "--fingerprint", new string('a', 64), "--quiet");

        await daemon.RunAsync(terminal, line.Split(' '));

        // Rows of a dataset are shown as they are.
        if (!line.StartsWith("dataset preview", StringComparison.Ordinal)) Assert.All(terminal.Out.Split('\n'), l => Assert.True(l.TrimEnd().Length <= width, l));
        return $"===== {width} columns\n{Settled(terminal.Out)}{(terminal.Error.Length > 0 ? $"----- standard error\n{Settled(terminal.Error)}" : "")}";
    }

    /// <summary>Without what depends on the machine: times are shown as its clock has them.</summary>
    private static string Settled(string text) => text.Replace(Quantity.Time(FurnishedDaemon.Made), "2023-11-14 22:13:20", StringComparison.Ordinal).Replace("\r", "", StringComparison.Ordinal);

    /// <summary>No time passes, so that no rate is shown.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
