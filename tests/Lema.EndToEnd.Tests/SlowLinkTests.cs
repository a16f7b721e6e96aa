using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Lema.EndToEnd.Tests;

/// <summary>Transfers over a slow line that breaks, and by a program that is killed on the way.</summary>
[Collection(OneAtATime.Name)]
public sealed class SlowLinkTests(Daemon daemon) : IClassFixture<Daemon>
{
    private const int FileBytes = 40 << 20;
    private const int BytesPerSecond = 12 << 20;

    [Fact]
    public async Task UploadAndDownload_LineBreaksAndProgramIsKilled_GoOnWhereTheyWere()
    {
        string file = Path.Combine(daemon.Home, "large.jsonl");
        await WriteRowsAsync(file);
        long size = new FileInfo(file).Length;

        await BreakAndGoOnAsync("dataset", "upload", "large", file);
        string folder = Path.Combine(daemon.Home, "back");
        await BreakAndGoOnAsync("artifact", "download", "dataset/large", "--output", folder);

        string back = Assert.Single(Directory.GetFiles(folder, "*", SearchOption.AllDirectories));
        Assert.Equal(await HashAsync(file), await HashAsync(back));

        async Task BreakAndGoOnAsync(params string[] command)
        {
            await using SlowLink link = new(new Uri(daemon.Address), BytesPerSecond);
            string[] line = [.. command, "--host", link.Address];
            using (Process first = Programs.Start(Checkout.Cli, daemon.Home, daemon.Variables, line))
            {
                await link.UntilPassedAsync(size / 4);
                link.Cut();
                await link.UntilPassedAsync(size * 2 / 3);
                first.Kill();
                await first.WaitForExitAsync();
            }
            long before = link.PassedBytes;

            (await Programs.RunAsync(Checkout.Cli, daemon.Home, daemon.Variables, line)).Succeeded();

            Assert.InRange(link.PassedBytes - before, 1, size * 3 / 4);
        }
    }

    /// <summary>Rows whose text no compression shortens.</summary>
    private static async Task WriteRowsAsync(string file)
    {
        Random random = new(5);
        byte[] noise = new byte[48 << 10];
        await using StreamWriter writer = new(file, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        for (long written = 0; written < FileBytes; written += noise.Length * 4 / 3)
        {
            random.NextBytes(noise);
            await writer.WriteLineAsync($$"""{"prompt":"copy","completion":"{{Convert.ToBase64String(noise)}}"}""");
        }
    }

    private static async Task<string> HashAsync(string file)
    {
        await using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream));
    }
}
