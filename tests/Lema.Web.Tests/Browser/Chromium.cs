using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>
/// One headless Chromium of this machine, shared by the browser tests, which run one after another; they skip where there is none. Its waits are long, because they
/// end at once when what they wait for is there and a busy machine is no fault.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    public const string Collection = "browser";

    private const float ActionPatience = 60_000;
    private const float ExpectPatience = 30_000;

    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private static readonly string[] Flags =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>LEMA_CHROMIUM, or where Debian and others put it; null where there is none.</summary>
    public static string? ExecutablePath { get; } =
        Environment.GetEnvironmentVariable("LEMA_CHROMIUM") is { Length: > 0 } named ? named : Array.Find(Places, File.Exists);

    public async ValueTask InitializeAsync()
    {
        if (ExecutablePath is null) return;
        Assertions.SetDefaultExpectTimeout(ExpectPatience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = ExecutablePath, Headless = true, Args = Flags });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>A fresh browser profile; dispose it before the dashboard it looks at.</summary>
    public async Task<IBrowserContext> OpenAsync(int width = 1440, int height = 900, bool dark = false)
    {
        if (_browser is null) Assert.Skip("No Chromium found: install the package chromium, or set LEMA_CHROMIUM to its program.");
        IBrowserContext context = await _browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = height }, ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light, ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(ActionPatience);
        return context;
    }
}

/// <summary>The tests that share <see cref="Chromium"/>.</summary>
[CollectionDefinition(Chromium.Collection)]
public sealed class BrowserTests : ICollectionFixture<Chromium>;
