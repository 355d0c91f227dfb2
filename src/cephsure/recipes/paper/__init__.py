"""The reference's recipe (Drevický & Kodým 2020): one U-Net over the whole film."""
