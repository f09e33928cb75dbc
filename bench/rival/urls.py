"""Where the rival answers: at the product's own addresses, so that both get the same requests."""

from django.urls import path
from oauth2_provider.views import IntrospectTokenView, TokenView

urlpatterns = [
    path("oauth/token", TokenView.as_view()),
    path("oauth/introspect", IntrospectTokenView.as_view()),
]
