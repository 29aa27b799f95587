import torch

from irs_core.train.augment import add_noise, pad_for_crops, random_views, seeded_generator

CPU = torch.device("cpu")


def views(flip, height=32):
    pixels = torch.randint(
        0, 256, (4, 3, height, height), dtype=torch.uint8, generator=seeded_generator(CPU, 0)
    )
    padded = pad_for_crops(pixels)
    generator = seeded_generator(CPU, 7)
    out = random_views(padded, torch.arange(4), (height, height), 255, generator, flip=flip)
    return pixels, padded, out


def test_crops_are_windows_of_the_padded_image():
    _, padded, out = views(flip=False)
    whole = padded[0].permute(2, 0, 1).float() / 255
    windows = [whole[:, r : r + 32, c : c + 32] for r in range(9) for c in range(9)]
    assert any(torch.equal(out[0], window) for window in windows)


def test_some_images_are_mirrored():
    pixels = torch.arange(8, dtype=torch.uint8).expand(40, 1, 8, 8).contiguous()
    padded, generator = pad_for_crops(pixels), seeded_generator(CPU, 1)
    out = random_views(padded, torch.arange(40), (8, 8), 1, generator, flip=True)
    mirrored = int((out[:, 0, 0, 0] == 7).sum())
    assert 0 < mirrored < 40
    assert torch.equal(out[0, 0, 0].sort().values, torch.arange(8.0))


def test_tiny_images_are_not_shifted():
    pixels, _, out = views(flip=False, height=8)
    assert torch.equal(out, pixels.float() / 255)


def test_batches_are_channels_last():
    assert views(flip=True)[2].is_contiguous(memory_format=torch.channels_last)


def test_noise_has_the_standard_deviation():
    noisy = add_noise(torch.zeros(100, 1, 32, 32), 0.5, seeded_generator(CPU, 0))
    assert abs(float(noisy.std()) - 0.5) < 0.01


def test_no_noise():
    images = torch.rand(1, 1, 8, 8)
    assert torch.equal(add_noise(images, 0.0, seeded_generator(CPU, 0)), images)


def test_streams_depend_on_every_part_of_the_key():
    draws = [torch.rand(1, generator=seeded_generator(CPU, *key)) for key in ((0, 1), (1, 0))]
    assert draws[0] != draws[1]


def test_long_images_are_shifted_by_their_shorter_side():
    pixels = torch.arange(64 * 6, dtype=torch.uint8).reshape(1, 1, 64, 6)
    assert torch.equal(pad_for_crops(pixels), pixels.permute(0, 2, 3, 1))
    tall = torch.zeros((1, 1, 64, 16), dtype=torch.uint8)
    assert pad_for_crops(tall).shape == (1, 68, 20, 1)
