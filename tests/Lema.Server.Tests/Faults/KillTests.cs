using Lema.Testing;

namespace Lema.Server.Tests.Faults;

[Collection("real workers")]
public sealed class KillTests(ITestOutputHelper output)
{
    /// <summary>LEMA_KILLS says how many; 20 without, 100 in the long form.</summary>
    [Fact(DisplayName = "kill -9 of worker or daemon at any point of train, checkpoint, prepare, merge; resume after that")]
    public async Task KillNine_AtRandomMoments_LosesNothing()
    {
        int kills = Trial.Count("LEMA_KILLS", usual: 20, whenLong: 100);
        try
        {
            await KillLoop.RunAsync(kills, Trial.Seed, output.WriteLine);
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"LEMA_TEST_SEED={Trial.Seed} LEMA_KILLS={kills}: {error.Message}", error);
        }
    }
}
